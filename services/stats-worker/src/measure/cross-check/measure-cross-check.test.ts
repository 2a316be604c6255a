import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AwsClients } from '@odometer/aws/aws-clients';
import { putMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import { beginMeasurement, finishMeasurement } from '@odometer/database/measuring/measurements';
import { crossCheckDeclarationSchema } from '@odometer/domain/cross-checks/cross-check-declaration';
import {
  HANG,
  json,
  jsonError,
  type MisbehavingServer,
  type Script,
  startMisbehavingServer,
} from '@odometer/testing/misbehaving-server';
import { startTestBroker } from '@odometer/testing/test-broker';
import { connectAsync } from 'mqtt';
import { openAppliers, Producer } from '../../../test/applier-fixture.ts';
import { DriftReading } from './drift-reading.ts';
import { createCrossCheckMeasurer } from './measure-cross-check.ts';

type Point = readonly [id: string, time: string, value: number];

const URL_NAME = 'ODOMETER_CROSS_CHECK_URL_MAIN';
const signal = new AbortController().signal;
const errors: unknown[] = [];
let env: Record<string, string> = {};
let system: Awaited<ReturnType<typeof openAppliers>>;
let aws: AwsClients;
let nowMs = Date.now();

beforeEach(async () => {
  errors.length = 0;
  nowMs = Date.parse('2026-11-05T12:20:00Z');
  system = await openAppliers({ autoProvision: true }, () => nowMs);
  aws = new AwsClients({ timeouts: { requestMs: 500 } });
});
afterEach(async () => {
  await aws.stop();
  await system.close();
});

const declare = (change: Readonly<Record<string, unknown>>) => {
  const declaration = crossCheckDeclarationSchema.parse({
    name: 'main',
    tolerance: { percent: 0, messages: 2 },
    ...change,
  });
  return putMeasuredTarget(system.pool, 'cross_check', 'main', declaration);
};
async function measure(stop = signal) {
  const holder = randomUUID();
  const request = { kind: 'cross_check', target: 'main', purpose: 'hourly', options: {} } as const;
  const measurement = await beginMeasurement(system.pool, request, holder);
  if (measurement === undefined) throw new Error('another one is at it');
  const hold = { id: measurement.id, holder };
  const log = { error: (fields: unknown) => void errors.push(fields) };
  const parts = { pool: system.pool, aws, env, log, nowMs: () => nowMs };
  try {
    const figures = await createCrossCheckMeasurer(parts)({ ...measurement, ...hold }, stop);
    await finishMeasurement(system.pool, hold, { state: 'complete', figures });
    return figures;
  } catch (error) {
    const detail = String(error);
    await finishMeasurement(system.pool, hold, { state: 'failed', failure: 'x', detail });
    throw error;
  }
}
const drifts = async () => {
  const reading = new DriftReading(system.pool, () => nowMs);
  await reading.refresh();
  // What is known, and only that, is within its tolerance or not.
  expect(reading.withinTolerance().map(([labels]) => labels)).toEqual(
    reading.drifts().map(([labels]) => labels),
  );
  expect(reading.known().filter(([, known]) => known === 1)).toHaveLength(reading.drifts().length);
  return reading.drifts();
};
/** 1 or 0; undefined while nobody knows. */
const isTolerated = async () => {
  const reading = new DriftReading(system.pool, () => nowMs);
  await reading.refresh();
  return { tolerated: reading.withinTolerance()[0]?.[1], known: reading.known()[0]?.[1] };
};

describe('with CloudWatch', () => {
  let server: MisbehavingServer;
  beforeAll(async () => {
    process.env.AWS_ACCESS_KEY_ID = 'AKIAEXAMPLE';
    process.env.AWS_SECRET_ACCESS_KEY = 'secret';
    server = await startMisbehavingServer(() => HANG);
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    await declare({ source: 'cloudwatch', region: 'eu-central-1', endpoint: server.url, hours: 2 });
  });

  const at = (time: string) => Date.parse(`2026-11-05T${time}:00Z`) / 1_000;
  const results = (...points: readonly Point[]) =>
    points.map(([Id, time, value]) => ({
      Id,
      StatusCode: 'Complete',
      Timestamps: [at(time)],
      Values: [value],
    }));
  const answering =
    (...points: readonly Point[]): Script =>
    () =>
      json({ MetricDataResults: results(...points) });

  /** Messages of one project that is there, and of one that is kept. */
  async function count(time: string, inbound: number, outbound: number): Promise<void> {
    const producer = await new Producer(system.pool, 'mqtt').open();
    await system.counts.apply([
      producer.counts(
        [['acme', 'web', 'd1', inbound, 10, 1, outbound, 10, 1]],
        null,
        at(time) * 1_000,
      ),
    ]);
  }

  test('hours are compared once their datapoints are there; one that is missing is 0', async () => {
    await count('10:00', 5, 2);
    await count('11:00', 3, 1);
    await count('12:00', 100, 0);
    server.script = answering(['p0', '10:00', 6], ['p1', '10:00', 1], ['p0', '11:00', 4]);
    expect(await measure()).toMatchObject({
      from: '2026-11-05T10:00:00.000Z',
      to: '2026-11-05T12:00:00.000Z',
      theirs: '11',
      ours: '11',
      drift: '0',
      withinTolerance: true,
      hours: [
        { hour: '2026-11-05T10:00:00.000Z', theirs: '7', ours: '7' },
        { hour: '2026-11-05T11:00:00.000Z', theirs: '4', ours: '4' },
      ],
    });
    // A quarter of an hour has not passed since the hour's end.
    nowMs = Date.parse('2026-11-05T12:14:00Z');
    server.script = answering();
    expect(await measure()).toMatchObject({ to: '2026-11-05T11:00:00.000Z', theirs: '0' });
  });

  test('usage that is unattributed, and adjustments, are messages, too', async () => {
    await system.pool.query(
      `insert into unattributed_usage (organization, project, meter_id, hour, sum, count) values ('a', 'b', 1, '2026-11-05T10:00Z', 3, 3)`,
    );
    await count('11:00', 2, 0);
    await system.pool.query(
      `insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
       select organization_id, id, 4, '2026-11-05T11:00Z', '2026-12-01Z', 4, 4 from projects`,
    );
    server.script = answering(['p0', '10:00', 3], ['p0', '11:00', 6]);
    expect(await measure()).toMatchObject({ theirs: '9', ours: '9', drift: '0' });
  });

  test('a late revision is seen: hours are compared again', async () => {
    await count('11:00', 10, 0);
    server.script = answering(['p0', '11:00', 4]);
    expect(await measure()).toMatchObject({ drift: '-6', withinTolerance: false });
    expect(errors).toMatchObject([{ event: 'broker_drift_exceeded', crossCheck: 'main' }]);
    expect(await drifts()).toEqual([[{ kind: 'cloudwatch', name: 'main' }, -6]]);
    expect(await isTolerated()).toEqual({ tolerated: 0, known: 1 });
    nowMs += 3_600_000;
    server.script = answering(['p0', '11:00', 10]);
    expect(await measure()).toMatchObject({ drift: '0', withinTolerance: true });
    expect(await drifts()).toEqual([[{ kind: 'cloudwatch', name: 'main' }, 0]]);
    expect(await isTolerated()).toEqual({ tolerated: 1, known: 1 });
    expect(errors).toHaveLength(1);
  });

  test('an answer of many pages is one answer', async () => {
    server.script = ({ body }) =>
      body.includes('NextToken')
        ? json({ MetricDataResults: results(['p0', '11:00', 2]) })
        : json({
            MetricDataResults: [
              { Id: 'p0', StatusCode: 'PartialData', Timestamps: [at('10:00')], Values: [1] },
            ],
            NextToken: 'more',
          });
    expect(await measure()).toMatchObject({ theirs: '3' });
  });

  const status =
    (StatusCode: string): Script =>
    () =>
      json({ MetricDataResults: [{ Id: 'p0', StatusCode, Timestamps: [], Values: [] }] });
  const refusals: readonly (readonly [string, string, Script])[] = [
    ['half an answer', 'target_unavailable', status('InternalError')],
    ['metrics of somebody else', 'target_denied', status('Forbidden')],
    ['no permission', 'target_denied', () => jsonError(403, 'AccessDeniedException')],
    ['expired credentials', 'target_denied', () => jsonError(400, 'ExpiredTokenException')],
    ['half a message', 'target_invalid', answering(['p0', '10:00', 1.5])],
    ['less than nothing', 'target_invalid', answering(['p0', '10:00', -1])],
    ['beyond what a number holds', 'target_invalid', answering(['p0', '10:00', 2 ** 60])],
    ['another time', 'target_invalid', answering(['p0', '10:01', 1])],
    ['an hour twice', 'target_invalid', answering(['p0', '10:00', 1], ['p0', '10:00', 1])],
    ['pages without end', 'target_invalid', () => json({ MetricDataResults: [], NextToken: 'x' })],
  ];
  test.each(refusals)('%s is no answer, and no zero', async (_what, code, script) => {
    server.script = script;
    await expect(measure()).rejects.toMatchObject({ code });
    expect(await drifts()).toEqual([]);
  });

  test('a connection that hangs is given up when the time is up', async () => {
    server.script = () => HANG;
    await expect(measure(AbortSignal.timeout(700))).rejects.toThrow();
    expect(await drifts()).toEqual([]);
  });
});

describe('with a broker', () => {
  let broker: Awaited<ReturnType<typeof startTestBroker>>;
  beforeAll(async () => {
    broker = await startTestBroker({ configuration: ['sys_interval 1'] });
    env = { [URL_NAME]: broker.url };
  });
  afterAll(() => broker.stop());
  beforeEach(async () => {
    nowMs = Date.now();
    await declare({ source: 'broker', urlEnv: URL_NAME, waitSeconds: 4 });
  });

  async function publish(messages: number): Promise<void> {
    const client = await connectAsync(broker.url, { reconnectPeriod: 0 });
    await Promise.all(
      Array.from({ length: messages }, () => client.publishAsync('any/topic', 'x', { qos: 1 })),
    );
    await client.endAsync();
  }
  const counted = async (...messages: readonly number[]) => {
    const producer = await new Producer(system.pool, 'mqtt').open();
    const batches = messages.map((n) => producer.counts([['acme', 'web', '', n, n, n, 0, 0, 0]]));
    await system.counts.apply(batches);
  };

  test('what it received between two readings is what was counted; the first reading compares nothing', async () => {
    await publish(3);
    await counted(3, 4);
    expect(await measure()).toMatchObject({
      drift: null,
      unknown: 'there is no reading before it',
    });
    expect(await drifts()).toEqual([]);
    await publish(12);
    await counted(10, 1);
    nowMs = Date.now();
    expect(await measure()).toMatchObject({
      theirs: '12',
      ours: '11',
      drift: '1',
      withinTolerance: true,
    });
    expect(await drifts()).toEqual([[{ kind: 'broker', name: 'main' }, 1]]);
    await publish(5);
    nowMs = Date.now();
    expect(await measure()).toMatchObject({ theirs: '5', ours: '0', withinTolerance: false });
    expect(errors).toHaveLength(1);
  }, 30_000);

  test('a restart in between makes it unknown, and the next hour is known again', async () => {
    await publish(50);
    await measure();
    await broker.stop();
    await broker.start();
    await publish(4);
    nowMs = Date.now();
    expect(await measure()).toMatchObject({ drift: null, unknown: 'the broker was restarted' });
    expect(await drifts()).toEqual([]);
    expect(await isTolerated()).toEqual({ tolerated: undefined, known: 0 });
    await publish(2);
    nowMs = Date.now();
    expect(await measure()).toMatchObject({ theirs: '2', drift: '2' });
  }, 30_000);

  test('declared for another broker it is unknown, and with another password it is not', async () => {
    const another = await startTestBroker({ configuration: ['sys_interval 1'] });
    try {
      await publish(3);
      await measure();
      await publish(2);
      nowMs = Date.now();
      env = { [URL_NAME]: broker.url.replace('://', '://user:rotated@') };
      expect(await measure()).toMatchObject({ theirs: '2' });
      env = { ODOMETER_CROSS_CHECK_URL_ANOTHER: another.url };
      const urlEnv = 'ODOMETER_CROSS_CHECK_URL_ANOTHER';
      await declare({ source: 'broker', urlEnv, waitSeconds: 4 });
      nowMs = Date.now();
      expect(await measure()).toMatchObject({
        drift: null,
        unknown: 'it was declared for another broker',
      });
      nowMs = Date.now();
      expect(await measure()).toMatchObject({ theirs: '0' });
    } finally {
      env = { [URL_NAME]: broker.url };
      await another.stop();
    }
  }, 30_000);

  test('a cluster is the sum of its nodes, wherever they say it', async () => {
    const say = async (topic: string, text: string) => {
      const client = await connectAsync(broker.url, { reconnectPeriod: 0 });
      await client.publishAsync(topic, text, { qos: 1, retain: true });
      await client.endAsync();
    };
    const topics = { messages: 'nodes/+/received', bytes: null, uptime: null };
    await declare({ source: 'broker', urlEnv: URL_NAME, waitSeconds: 1, topics });
    await say('nodes/a/received', '10');
    await say('nodes/b/received', '20');
    await measure();
    await say('nodes/a/received', '13');
    await say('nodes/b/received', '24');
    expect(await measure()).toMatchObject({ theirs: '7' });
    await say('nodes/c/received', '1');
    expect(await measure()).toMatchObject({ unknown: 'nodes of the broker have come or gone' });
    await say('nodes/c/received', 'many');
    await expect(measure()).rejects.toMatchObject({ code: 'target_invalid' });
  }, 30_000);

  test('one that says nothing, is away, hangs or is none has no figures', async () => {
    const topics = { messages: 'nothing/here', bytes: null, uptime: null };
    await declare({ source: 'broker', urlEnv: URL_NAME, waitSeconds: 1, topics });
    await expect(measure()).rejects.toMatchObject({ code: 'target_invalid' });
    const silent = createServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      env = { [URL_NAME]: `mqtt://127.0.0.1:${port}` };
      await expect(measure()).rejects.toMatchObject({ code: 'target_unavailable' });
    } finally {
      await new Promise((resolve) => silent.close(resolve));
    }
    await expect(measure()).rejects.toMatchObject({ code: 'target_unavailable' });
    env = { [URL_NAME]: 'http://user:hush@127.0.0.1' };
    const refusal = await measure().catch((error) => error);
    expect(refusal).toMatchObject({ code: 'target_invalid' });
    expect(String(refusal)).not.toContain('hush');
    env = {};
    await expect(measure()).rejects.toMatchObject({ code: 'target_denied' });
    env = { [URL_NAME]: broker.url };
  }, 30_000);
});
