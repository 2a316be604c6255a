import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { type ApiFixture, startApi } from '../../test/api-fixture.ts';
import { seed } from '../../test/seed.ts';

/** What administrators change. */

let api: ApiFixture;
let redis: ReturnType<typeof createProducerRedis>;

beforeAll(async () => {
  api = await startApi();
  await seed(api.pool);
  redis = createProducerRedis({ url: api.redisUrl });
  await eventually(() => redis.status === 'ready');
}, 60_000);

afterAll(async () => {
  redis.disconnect();
  await api.stop();
});

async function audited(): Promise<readonly unknown[]> {
  const { rows } = await api.pool.query(
    "select actor, action, subject from audit_log where actor like 'key:%' order by id",
  );
  return rows.map(({ actor, action, subject }) => [actor, action, subject]);
}

async function depthOf(name: 'registry' | 'periods'): Promise<number> {
  const queue = new JobQueue(name, redis);
  const { waiting } = await queue.depth();
  await queue.stop();
  return waiting;
}

const post = (path: string, body?: unknown) => api.ask(`POST /api/v1/${path}`, { body });

describe('registering', () => {
  test('is safe to repeat, and audited when it changes something', async () => {
    const waiting = await depthOf('registry');
    const steps = [
      ['organizations', { organization: 'new', name: 'New' }],
      ['projects', { organization: 'new', project: 'one', name: 'One' }],
      ['devices', { project: 'new/one', device: 'robot' }],
    ] as const;
    for (const [path, body] of steps) {
      const first = await post(path, body);
      const again = await post(path, body);
      expect([path, first.status, again.status]).toEqual([path, 201, 200]);
      expect(again.json()).toEqual(first.json());
      expect(first.json()).toMatchObject({ organization: 'new', discovered: false });
    }
    const actions = (await audited()).map((entry) => (entry as string[])[1]);
    expect(actions).toEqual(['organization.create', 'project.create', 'device.create']);
    // The worker is asked to apply what was kept for the project, once however often it is registered.
    expect(await depthOf('registry')).toBe(waiting + 1);
  });

  test('a discovered project makes it a declared one and keeps its name', async () => {
    await api.pool.query(
      "insert into projects (organization_id, slug, discovered, name) select id, 'found', true, 'Found' from organizations where slug = 'acme'",
    );
    const answer = await post('projects', { organization: 'acme', project: 'found' });
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ discovered: false, name: 'Found' });
  });

  test('a device of an unknown project is refused', async () => {
    expect((await post('devices', { project: 'acme/none', device: 'x' })).status).toBe(404);
  });
});

test('archiving a project says since when, once', async () => {
  const first = (await post('projects/globex%2Fsecret/archive')).json<{ archivedAt: string }>();
  expect(Math.abs(Date.parse(first.archivedAt) - Date.now())).toBeLessThan(60_000);
  const again = (await post('projects/globex%2Fsecret/archive')).json<{ archivedAt: string }>();
  expect(again.archivedAt).toBe(first.archivedAt);
  const entries = (await audited()).filter((entry) => (entry as string[])[1] === 'project.archive');
  expect(entries).toEqual([['key:1', 'project.archive', 'globex/secret']]);
});

test('a dead letter goes back into its queue, is noted and audited', async () => {
  const waiting = await depthOf('periods');
  const { rows } = await api.pool.query("select id from dead_letters where job_id = 'dead.2'");
  const id: string = rows[0].id;
  expect((await post(`dead-letters/${id}/retry`)).json()).toEqual({ id, outcome: 'retried' });
  expect(await depthOf('periods')).toBe(waiting + 1);
  const { retriedAt } = (await api.ask(`GET /api/v1/dead-letters/${id}`)).json<{
    retriedAt: string | null;
  }>();
  expect(retriedAt).not.toBeNull();
  expect(await audited()).toContainEqual(['key:1', 'dead_letter.retry', id]);
});
