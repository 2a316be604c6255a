import { hash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createApiKey } from '@odometer/database/api-keys';
import { freePort } from '@odometer/local-stack/tcp-port';
import { eventually } from '@odometer/testing/eventually';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { connectAsync } from 'mqtt';
import { System } from './harness/system.ts';

/** A series more for each project would be three million for a hundred metrics and some pods; Prometheus dies of that. */
const PROJECTS = 1_000;
const ORGANIZATIONS = 10;
const READ_KEY = 'odo_series_count';

let system: System;
let others: readonly SpawnedService[];
let statsUrl: string;
beforeAll(async () => {
  system = await System.start();
  await createApiKey(system.db, {
    name: 'series count',
    hash: hash('sha256', READ_KEY),
    organization: null,
    scopes: ['read'],
  });
  const port = await freePort();
  statsUrl = `http://127.0.0.1:${port}`;
  const env = {
    DATABASE_URL: system.postgres.url,
    REDIS_URL: system.redis.url,
    ODOMETER_STATS_HOST: '127.0.0.1',
    ODOMETER_STATS_PORT: String(port),
  };
  others = [await spawnService('stats-api', env), await spawnService('scheduler', env)];
  await Promise.all(others.map((service) => service.ready()));
}, 120_000);
afterAll(async () => {
  await Promise.all((others ?? []).map((service) => service.kill('SIGTERM')));
  await system?.stop();
});

/** Events, messages and questions of these projects, some of them bad in every way that has a name of the sender's in it. */
async function use(projects: readonly string[]): Promise<void> {
  const mqtt = await connectAsync(system.broker.url, { protocolVersion: 5 });
  for (const project of projects) {
    const topic = `roboticks/${project}/device-of-${project.replace('/', '-')}/state`;
    mqtt.publish(topic, 'x', { qos: 0 });
    mqtt.publish(`roboticks/${project}//state`, 'x', { qos: 0 });
  }
  await mqtt.publishAsync(`roboticks/${projects[0]}/d/last`, 'x', { qos: 1 });
  await mqtt.endAsync();
  for (let from = 0; from < projects.length; from += 250) {
    const events = projects.slice(from, from + 250).map((project) => ({
      specversion: '1.0',
      id: `event of ${project}`,
      source: `app of ${project}`,
      type: 'api_calls',
      subject: project,
    }));
    expect(await post(events)).toBe(204);
    expect(await post([{ ...events[0], id: '' }])).toBe(400);
  }
  for (const project of projects.slice(0, 20)) {
    await ask(`/api/v1/projects/${encodeURIComponent(project)}/stats`);
    await ask(`/api/v1/projects/${encodeURIComponent(`${project}-unknown`)}/stats`);
    await ask(`/no-route-of/${project}`);
  }
}

async function post(events: readonly object[]): Promise<number> {
  const { status } = await fetch(`${system.ingestUrls[0]}/api/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${system.apiKey}`,
      'content-type': 'application/cloudevents-batch+json',
    },
    body: JSON.stringify(events),
  });
  return status;
}

async function ask(path: string): Promise<void> {
  const headers = { authorization: `Bearer ${READ_KEY}` };
  await (await fetch(`${statsUrl}${path}`, { headers })).arrayBuffer();
}

/** Waits until all of them are known and counted, and every reading that a metric is made of was read. */
async function settle(projects: number): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await system.db.query(
        `select count(distinct project_id)::int as counted from usage_monthly u join meters m on m.id = u.meter_id
       where m.slug in ('api_calls', 'mqtt_inbound') group by m.slug`,
      );
      expect(rows).toEqual([{ counted: projects }, { counted: projects }]);
    },
    { deadlineMs: 60_000 },
  );
  const [worker] = system.workers;
  const scheduler = others[1];
  await eventually(
    async () => {
      const [books, bells] = await Promise.all([
        worker?.process.metric('odometer_books_lost_batches{kind="mqtt"}'),
        scheduler?.metric('odometer_scheduler_bells'),
      ]);
      expect([books, bells]).toEqual([0, 4]);
    },
    { deadlineMs: 60_000 },
  );
}

/** Names and labels of all our series, by service. */
async function series(): Promise<Readonly<Record<string, readonly string[]>>> {
  const services = [...system.services.map((each) => each.process), ...others];
  const found = await Promise.all(
    services.map(async ({ name, adminUrl }) => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith('odometer_'));
      return [name, lines.map((line) => line.slice(0, line.lastIndexOf(' '))).sort()] as const;
    }),
  );
  return Object.fromEntries(found);
}

test('after a thousand projects there is no series more than after one', async () => {
  await use(['first-organization/first-project']);
  await settle(1);
  const before = await series();
  const all = Array.from(
    { length: PROJECTS },
    (_, index) => `organization-${index % ORGANIZATIONS}/project-${index}`,
  );
  await use(all);
  await settle(PROJECTS + 1);
  const after = await series();
  expect(after).toEqual(before);
  const rows = await system.workers[0]?.process.metric('odometer_apply_rows_total{target="open"}');
  expect(rows).toBeGreaterThan(2 * PROJECTS);
  // And there is room in the fuse of the chart's PodMonitor (sampleLimit), Node's own series included.
  for (const [service, names] of Object.entries(after)) {
    expect([service, names.length < 5_000]).toEqual([service, true]);
  }
}, 150_000);
