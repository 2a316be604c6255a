import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { assertPortFree, freePort, isPortFree } from './tcp-port.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

test('a port in use is one sentence with the port, its owner and the variable that moves it', async () => {
  const port = await freePort();
  expect(await isPortFree(port)).toBe(true);
  const listener = createServer();
  server = listener;
  await new Promise<void>((resolve) => {
    listener.listen(port, '127.0.0.1', resolve);
  });
  await expect(assertPortFree('Redis', port, 'ODOMETER_LOCAL_REDIS_PORT')).rejects.toThrow(
    new RegExp(
      `Port ${port}, wanted for Redis, is in use by .*pid ${process.pid}.*ODOMETER_LOCAL_REDIS_PORT`,
    ),
  );
});

test('a port that was chosen is chosen by nobody else before its server listens', async () => {
  const ports: number[] = [];
  for (let i = 0; i < 600; i += 1) ports.push(await freePort());
  expect(new Set(ports).size).toBe(ports.length);
});
