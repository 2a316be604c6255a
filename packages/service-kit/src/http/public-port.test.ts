import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Logger } from '../logging.ts';
import { publicPort } from './public-port.ts';
import { readBody } from './read-body.ts';

let port = 0;
const server = publicPort({
  host: '127.0.0.1',
  port: 0,
  log: {
    info: ({ address }: { address: AddressInfo }) => {
      port = address.port;
    },
  } as unknown as Logger,
  onRequest: (request, response) => {
    readBody(request, 10_000).then(
      () => response.end('read'),
      () => response.destroy(),
    );
  },
});
beforeAll(() => server.start());
afterAll(() => server.stop());

/** Sends some bytes and nothing more. @returns what was answered until the other side closed, and after how long. */
function sendAndWait(
  bytes: string,
): Promise<{ readonly answer: string; readonly seconds: number }> {
  const sentAtMs = performance.now();
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      resolve({ answer, seconds: (performance.now() - sentAtMs) / 1_000 });
    });
  });
}

// Half a minute, because that is what is promised; nobody works meanwhile.
test('a client that does not send what it has begun is answered with 408 and let go of', async () => {
  const head = 'POST / HTTP/1.1\r\nhost: x\r\n';
  const [body, headers] = await Promise.all([
    sendAndWait(`${head}content-length: 1000\r\n\r\n`),
    sendAndWait(head),
  ]);
  expect(body.answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(body.seconds).toBeGreaterThan(29);
  expect(body.seconds).toBeLessThan(36);
  expect(headers.answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(headers.seconds).toBeLessThan(16);
}, 60_000);
