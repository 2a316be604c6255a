import { expect, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { pino } from 'pino';
import type { SqsSpec } from '../buckets/group-sources.ts';
import { SourceSet } from './source-set.ts';

const log = pino({ level: 'silent' });
const spec = (queueUrl: string, region = 'eu-west-1'): SqsSpec => ({
  kind: 'sqs',
  queueUrl,
  region,
  roleArn: undefined,
  externalId: undefined,
});
const declared = (...specs: readonly SqsSpec[]) =>
  new Map(specs.map((each) => [each.queueUrl, { spec: each, buckets: [] }]));

/** Notes what is started and stopped; a stop takes until it is let go. */
function recorder() {
  const events: string[] = [];
  let letGo = (): void => undefined;
  let hold: Promise<void> | undefined;
  const set = new SourceSet({
    log,
    start: (started) => {
      const name = started.kind === 'sqs' ? `${started.queueUrl} ${started.region}` : '';
      if (name.startsWith('bad')) throw new Error('no');
      events.push(`start ${name}`);
      return {
        silentMs: () => 0,
        async stop() {
          await hold;
          events.push(`stop ${name}`);
        },
      };
    },
  });
  return {
    set,
    events,
    holdStops() {
      hold = new Promise((resolve) => {
        letGo = resolve;
      });
    },
    letGo: () => letGo(),
  };
}

test('what is declared runs, once, until it is declared no more', async () => {
  const { set, events } = recorder();
  set.keep(declared(spec('a'), spec('b')));
  set.keep(declared(spec('a'), spec('b')));
  set.keep(declared(spec('b')));
  await set.stop();
  expect(events).toEqual([
    'start a eu-west-1',
    'start b eu-west-1',
    'stop a eu-west-1',
    'stop b eu-west-1',
  ]);
});

test('what is declared otherwise is started anew, and never twice at once', async () => {
  const { set, events, holdStops, letGo } = recorder();
  set.keep(declared(spec('a')));
  holdStops();
  set.keep(declared(spec('a', 'eu-west-2')));
  set.keep(declared(spec('a', 'eu-west-2')));
  expect(events).toEqual(['start a eu-west-1']);
  letGo();
  await eventually(() => {
    set.keep(declared(spec('a', 'eu-west-2')));
    return events.length === 3;
  });
  expect(events).toEqual(['start a eu-west-1', 'stop a eu-west-1', 'start a eu-west-2']);
  await set.stop();
});

test('one that cannot be started holds up none of the others', async () => {
  const { set, events } = recorder();
  set.keep(declared(spec('bad'), spec('a')));
  set.keep(declared(spec('bad'), spec('a')));
  expect(events).toEqual(['start a eu-west-1']);
  await set.stop();
  set.keep(declared(spec('c')));
  expect(events).toEqual(['start a eu-west-1', 'stop a eu-west-1']);
});
