import { connect as connectSocket } from 'node:net';
import type { SeededRandom } from '@odometer/testing/seeded-random';
import { connectAsync } from 'mqtt';
import { booksOf, compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { System } from '../harness/system.ts';
import { underLoad } from '../harness/under-load.ts';

const ATTACKS_OF_EACH_KIND = 12;

/** Good traffic goes on while garbage arrives at both doors. Nothing ends, and no garbage is counted. */
export const hostileInput: Scenario = {
  name: 'garbage is refused with a reason, crashes nothing and leaves good totals exact',
  system: {},
  async run(system, random) {
    const violations: string[] = [];
    const pids = system.services.map(({ process }) => process.pid);
    const attacks = [postGarbage, postPoisonAmongGood, postToNowhere, cutRequest, publishGarbage];
    const faults = attacks.flatMap((attack) =>
      Array.from({ length: ATTACKS_OF_EACH_KIND }, () => async () => {
        violations.push(...(await attack(system, random)));
      }),
    );
    violations.push(...(await underLoad(system, random, random.shuffle(faults))));
    const { kinds } = await booksOf(system);
    for (const { kind, figures } of kinds) {
      // What stores notify of is attacked where a bucket is: ledger.test.ts of the watcher.
      if (kind !== 'objects' && figures.rejected === 0n)
        violations.push(`the books of ${kind} show nothing rejected`);
    }
    if (!system.services.every(({ process }, i) => process.pid === pids[i])) {
      violations.push('a process was restarted');
    }
    return [...violations, ...(await compare(system))];
  },
};

function bytes(random: SeededRandom, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.integer(0, 255));
}

async function post(
  system: System,
  body: Uint8Array<ArrayBuffer> | string,
  contentType: string,
  path = '/api/v1/events',
): Promise<readonly string[]> {
  const response = await fetch(`${system.ingestUrls[0]}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${system.apiKey}`, 'content-type': contentType },
    body,
  });
  const text = await response.text();
  const isRefused = response.status >= 400 && response.status < 500;
  if (!isRefused) return [`garbage of type ${contentType} was answered with ${response.status}`];
  const hasReason = response.headers.get('content-type') === 'application/problem+json';
  return hasReason && text.includes('detail') ? [] : [`a refusal without a reason: ${text}`];
}

const CONTENT_TYPES = [
  'application/cloudevents-batch+json',
  'application/cloudevents+json',
  'application/json',
  'application/json; charset=utf-16',
  'text/plain',
  'application/cloudevents+avro',
  ';;;',
];

async function postGarbage(system: System, random: SeededRandom): Promise<readonly string[]> {
  const texts: readonly (() => Uint8Array<ArrayBuffer> | string)[] = [
    () => bytes(random, random.integer(1, 2_000)),
    () => '['.repeat(random.integer(100, 200_000)),
    () => `[${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}]`,
    () => '{"specversion":"1.0"',
    () => 'null',
    () => '[1, "two", null, [], true]',
    () => `"${'x'.repeat(6_000_000)}"`,
    () => '{"__proto__":{"id":"x"},"specversion":"1.0"}',
  ];
  return post(system, random.pick(texts)(), random.pick(CONTENT_TYPES));
}

/** All or nothing: the good events of a refused request must not be counted. */
async function postPoisonAmongGood(
  system: System,
  random: SeededRandom,
): Promise<readonly string[]> {
  const good = (id: string) => ({
    specversion: '1.0',
    id: `${id}-${random.next()}`,
    source: 'test/hostile',
    type: 'api_calls',
    subject: 'acme/robots',
    data: { value: 1 },
  });
  const json = JSON.stringify;
  const poison = random.pick([
    json({ ...good('nul'), id: 'a\u0000b' }),
    json({ ...good('nul'), data: { text: '\u0000' } }),
    json({ ...good('surrogate'), data: { text: '\ud800' } }),
    json(good('huge')).replace('"value":1', '"value":1e200000'),
    json(good('long')).replace('"value":1', '"value":1e100000'),
    json(good('beyond')).replace('"value":1', '"value":9007199254740993'),
    json({ ...good('subject'), subject: 'a/b/c/d' }),
    json({ ...good('subject'), subject: '../etc' }),
    json({ ...good('time'), time: 'yesterday' }),
    json({ ...good('time'), time: '9999-12-31T00:00:00Z' }),
    json({ ...good('data'), data: 7 }),
    json({ ...good('version'), specversion: '0.3' }),
    json({ ...good('id'), id: '' }),
  ]);
  const events = random.shuffle([json(good('a')), poison, json(good('b'))]);
  return post(system, `[${events.join(',')}]`, 'application/cloudevents-batch+json');
}

async function postToNowhere(system: System, random: SeededRandom): Promise<readonly string[]> {
  const path = random.pick(['/webhooks/none', '/api/v1/nothing', '/%00', '/webhooks/%ff', '/../x']);
  return post(system, '{}', 'application/json', path);
}

/** A client that vanishes in the middle, or never was one. */
function cutRequest(system: System, random: SeededRandom): Promise<readonly string[]> {
  const port = Number(new URL(system.ingestUrls[0] ?? '').port);
  const head = `POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${system.apiKey}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n[{`;
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1', () => {
      socket.write(random.next() < 0.5 ? head : bytes(random, 500));
      setTimeout(() => socket.destroy(), random.integer(0, 50));
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve([]));
  });
}

const BAD_TOPICS = [
  'roboticks//robots/device-1/telemetry',
  'roboticks/acme//device-1/telemetry',
  'roboticks/acme/robots//telemetry',
  'roboticks/ac me/robots/device-1/telemetry',
  'roboticks/acme/ro$bots/device-1/telemetry',
  `roboticks/${'x'.repeat(129)}/robots/device-1/telemetry`,
  `roboticks/acme/robots/${'é'.repeat(129)}/telemetry`,
  'roboticks/../../etc/passwd',
  'roboticks/acme/-robots/device-1/telemetry',
];

async function publishGarbage(system: System, random: SeededRandom): Promise<readonly string[]> {
  const client = await connectAsync(system.broker.url, { reconnectPeriod: 0 });
  for (let i = 0; i < 20; i += 1) {
    const size = random.next() < 0.05 ? 3_000_000 : random.integer(0, 5_000);
    await client.publishAsync(random.pick(BAD_TOPICS), Buffer.alloc(size, random.integer(0, 255)), {
      qos: random.pick([0, 1, 2] as const),
    });
  }
  await client.endAsync();
  return [];
}
