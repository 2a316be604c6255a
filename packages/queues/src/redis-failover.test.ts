import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Redis } from 'ioredis';
import { isInfrastructureError } from './infrastructure-error.ts';
import { askForKeys, claimRedis } from './own-redis.ts';
import { createProducerRedis, createWorkerRedis, waitUntilReady } from './redis-connection.ts';

/** A shard of a cluster, as a managed service has it: a primary, a replica, and a name for whoever is the primary. */

const SLOTS = 16_384;

let primary: ClusterNode;
let replica: ClusterNode;
let name: TcpProxy;
let url: string;
const admins: Redis[] = [];

interface ClusterNode {
  readonly server: Awaited<ReturnType<typeof startTestRedis>>;
  readonly admin: Redis;
}

async function startNode(): Promise<ClusterNode> {
  const server = await startTestRedis({
    'cluster-enabled': 'yes',
    'cluster-node-timeout': '2000',
  });
  const admin = new Redis(server.url);
  admins.push(admin);
  return { server, admin };
}

beforeAll(async () => {
  [primary, replica] = await Promise.all([startNode(), startNode()]);
  name = await tcpProxy(primary.server.port);
  url = name.url(primary.server.url);
  // Who knows one password may in anywhere.
  const { password } = new URL(url);
  for (const { admin } of [primary, replica]) await admin.config('SET', 'masterauth', password);
  await replica.admin.config('SET', 'requirepass', password);
  await primary.admin.cluster('ADDSLOTS', ...Array.from({ length: SLOTS }, (_, slot) => slot));
  await replica.admin.cluster('MEET', '127.0.0.1', primary.server.port);
  const id = String(await primary.admin.cluster('MYID'));
  await eventually(async () => String(await replica.admin.cluster('NODES')).includes(id));
  await replica.admin.cluster('REPLICATE', id);
  await eventually(async () =>
    String(await replica.admin.info('replication')).includes('master_link_status:up'),
  );
  await eventually(async () =>
    String(await primary.admin.cluster('INFO')).includes('cluster_state:ok'),
  );
}, 60_000);
afterAll(async () => {
  for (const redis of admins) redis.disconnect();
  await name?.close();
  await Promise.all([primary?.server.stop(), replica?.server.stop()]);
});

test('after a failover nobody is told that all is well, and everybody finds the new primary', async () => {
  const producer = createProducerRedis({ url });
  const redis = [producer, createWorkerRedis({ url })];
  try {
    for (const each of redis) await claimRedis(each, 'ours');
    await replica.admin.cluster('FAILOVER');
    // The demoted one answers PING, and INFO, as before.
    const refusal = await eventually(async () => {
      await waitUntilReady(producer);
      return askForKeys(producer).then(
        () => false,
        (error: unknown) => error,
      );
    });
    expect(String(refusal)).toContain('MOVED');
    expect(isInfrastructureError(refusal)).toBe(true);
    name.forwardTo(replica.server.port);
    for (const each of redis) {
      await eventually(async () => (await each.get('{odometer}:installation')) === 'ours');
      expect(await each.set('{odometer}:x', '1')).toBe('OK');
    }
  } finally {
    for (const each of redis) each.disconnect();
  }
}, 60_000);
