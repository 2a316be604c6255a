import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestRedis } from '@odometer/testing/test-redis';
import {
  createProducerRedis,
  createWorkerRedis,
  type RedisEndpoint,
  waitUntilReady,
} from './redis-connection.ts';

/** Everything that would have to be encoded in a URL, or ends one. */
const PASSWORD = 'p@ss:w/rd%40?#&$ "x"';

let server: Awaited<ReturnType<typeof startTestRedis>>;
/** Where it is, without the credentials that its URL holds. */
let url: string;
beforeAll(async () => {
  server = await startTestRedis();
  url = `redis://127.0.0.1:${new URL(server.url).port}`;
  const admin = createProducerRedis({ url: server.url });
  await waitUntilReady(admin);
  await admin.acl('SETUSER', 'odometer', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
  await admin.acl('SETUSER', 'default', 'resetpass', `>${PASSWORD}2`);
  admin.disconnect();
});
afterAll(() => server.stop());

/** Who Redis says we are. */
async function whoami(endpoint: RedisEndpoint, connect = createProducerRedis): Promise<string> {
  const redis = connect(endpoint);
  try {
    await waitUntilReady(redis, 2_000);
    return await redis.acl('WHOAMI');
  } finally {
    redis.disconnect();
  }
}

describe('credentials beside the URL', () => {
  test('hold any character', async () => {
    const endpoint = { url, username: 'odometer', password: PASSWORD };
    expect(await whoami(endpoint)).toBe('odometer');
    expect(await whoami(endpoint, createWorkerRedis)).toBe('odometer');
  });

  test('are the default user’s without a name', async () => {
    expect(await whoami({ url, password: `${PASSWORD}2` })).toBe('default');
  });

  test('are overruled by those in the URL', async () => {
    const own = url.replace('//', `//odometer:${encodeURIComponent(PASSWORD)}@`);
    expect(await whoami({ url: own, username: 'else', password: 'else' })).toBe('odometer');
  });

  test('that are wrong are refused', async () => {
    const endpoint = { url, username: 'odometer', password: 'wrong' };
    await expect(whoami(endpoint)).rejects.toThrow(/WRONGPASS/);
  });
});
