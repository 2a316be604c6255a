import { afterEach, expect, test } from '@jest/globals';
import {
  CUT,
  HANG,
  type MisbehavingServer,
  SLOW_DOWN,
  startMisbehavingServer,
  THROTTLING_EXCEPTION,
  xml,
} from './misbehaving-server.ts';

let server: MisbehavingServer | undefined;

afterEach(async () => {
  await server?.close();
});

test('each request is answered as the script says, and remembered', async () => {
  server = await startMisbehavingServer(({ number }) => (number === 1 ? SLOW_DOWN : xml('<A/>')));
  const headers = { 'x-amz-target': 'AmazonSQS.ReceiveMessage' };
  const first = await fetch(`${server.url}/b/k?x=1`, { method: 'POST', body: 'hello', headers });
  expect(first.status).toBe(503);
  expect(await first.text()).toContain('<Code>SlowDown</Code>');
  expect((await fetch(server.url)).status).toBe(200);
  server.script = () => THROTTLING_EXCEPTION;
  expect(await (await fetch(server.url)).json()).toMatchObject({
    __type: 'com.amazonaws#ThrottlingException',
  });
  expect(server.requests).toHaveLength(3);
  expect(server.requests[0]).toMatchObject({
    method: 'POST',
    path: '/b/k',
    body: 'hello',
    operation: 'ReceiveMessage',
    number: 1,
  });
  expect(server.requests[0]?.query.get('x')).toBe('1');
});

test('it hangs, it cuts, it drips', async () => {
  server = await startMisbehavingServer(() => HANG);
  const { url } = server;
  const signal = AbortSignal.timeout(100);
  await expect(fetch(url, { signal })).rejects.toThrow('aborted due to timeout');
  server.script = () => CUT;
  await expect(fetch(url)).rejects.toThrow('fetch failed');
  server.script = () => ({ kind: 'cut', body: 'half' });
  const half = await fetch(url);
  await expect(half.text()).rejects.toThrow();
  server.script = () => ({ kind: 'drip', body: 'abcde', everyMs: 20 });
  const since = performance.now();
  expect(await (await fetch(url)).text()).toBe('abcde');
  expect(performance.now() - since).toBeGreaterThan(80);
});

test('a script that fails is told to the client', async () => {
  server = await startMisbehavingServer(() => {
    throw new Error('a mistake of the test');
  });
  const response = await fetch(server.url);
  expect([response.status, await response.text()]).toEqual([501, 'Error: a mistake of the test']);
});
