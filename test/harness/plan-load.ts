import { type Scaled, wholeQuantity } from '@odometer/domain/decimal';
import { toTimestamp } from '@odometer/domain/period';
import type { SeededRandom } from '@odometer/testing/seeded-random';
import type { PlannedEvent, PlannedMessage } from './oracle.ts';

const PROJECTS = ['acme/robots', 'acme/arms', 'globex/trams', 'globex/lifts', 'initech/printers'];
const METERS = ['api_calls', 'logs', 'sessions', 'deployments', 'logins', 'data_transfer_bytes'];
const DEVICES_PER_PROJECT = 8;
/** Events of several hours and two or three days, all younger than the oldest partition of a fresh database. */
const OLDEST_EVENT_MS = 40 * 3_600_000;
/** A hundredth of the messages are longer than a unit, so that units differ from messages. */
const LONG_PAYLOAD_BYTES = 5_500;

const INBOUND = ['telemetry', 'status', 'events/door/open'];
const OUTBOUND = ['commands', 'cmd/move', 'down/config'];

/** Messages of a run, in the order in which they are published. */
export function planMessages(random: SeededRandom, count: number): readonly PlannedMessage[] {
  return Array.from({ length: count }, () => {
    const project = random.pick(PROJECTS);
    const device = `device-${random.integer(1, DEVICES_PER_PROJECT)}`;
    const outbound = random.next() < 0.3;
    const topic = `roboticks/${project}/${device}/${random.pick(outbound ? OUTBOUND : INBOUND)}`;
    const size = random.next() < 0.01 ? LONG_PAYLOAD_BYTES : random.integer(0, 120);
    return { project, device, outbound, topic, payload: Buffer.alloc(size, 'x') };
  });
}

/** A quantity in the forms that clients send, and what it is worth. */
function planQuantity(random: SeededRandom): { readonly data?: object; readonly worth: Scaled } {
  const tenths = random.integer(1, 9_999);
  const worth = BigInt(tenths) * (wholeQuantity(1) / 10n);
  switch (random.integer(1, 4)) {
    case 1:
      return { worth: wholeQuantity(1) };
    case 2:
      return { data: { value: tenths / 10 }, worth };
    case 3:
      // Beyond what a float holds.
      return {
        data: { value: `9007199254740993${tenths}.000000000001` },
        worth: wholeQuantity(BigInt(`9007199254740993${tenths}`)) + 1n,
      };
    default:
      return { data: { value: tenths, note: 'kept' }, worth: wholeQuantity(tenths) };
  }
}

function planEvent(random: SeededRandom, id: string, nowMs: number): PlannedEvent {
  const project = random.pick(PROJECTS);
  const device =
    random.next() < 0.5 ? `device-${random.integer(1, DEVICES_PER_PROJECT)}` : undefined;
  const meter = random.pick(METERS);
  const timeMs = nowMs - random.integer(0, OLDEST_EVENT_MS);
  const { data, worth } = planQuantity(random);
  return {
    id,
    project,
    device,
    meter,
    timeMs,
    quantity: worth,
    json: {
      specversion: '1.0',
      id,
      source: 'test/crash',
      type: meter,
      subject: device === undefined ? project : `${project}/${device}`,
      time: toTimestamp(timeMs),
      ...(data === undefined ? {} : { data }),
    },
  };
}

/**
 * Requests that hold `count` distinct events, a tenth of them twice: in the same request, in the one beside it (which
 * another client posts at about the same time), or anywhere later.
 */
export function planEvents(
  random: SeededRandom,
  count: number,
  round: string,
  nowMs: number,
): readonly (readonly PlannedEvent[])[] {
  const requests: PlannedEvent[][] = [];
  const all: { readonly event: PlannedEvent; readonly at: number }[] = [];
  while (all.length < count) {
    const size = Math.min(random.integer(1, 120), count - all.length);
    const request: PlannedEvent[] = [];
    for (let i = 0; i < size; i += 1) {
      const event = planEvent(random, `${round}-${all.length}`, nowMs);
      request.push(event);
      all.push({ event, at: requests.length });
    }
    requests.push(request);
  }
  const last = requests.length - 1;
  for (const { event, at } of all) {
    if (random.next() >= 0.1) continue;
    const where =
      [at, Math.min(at + 1, last), random.integer(at, last)][random.integer(0, 2)] ?? at;
    requests[where]?.push(event);
  }
  return requests.map((request) => random.shuffle(request));
}
