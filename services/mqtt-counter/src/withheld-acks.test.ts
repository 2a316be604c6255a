import { describe, expect, test } from '@jest/globals';
import { type SeededRandom, seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { WithheldAcks } from './withheld-acks.ts';

describe('PUBACKs', () => {
  test('all but the last message of a flush are acknowledged once it is durable, in order', () => {
    const acks = new WithheldAcks(10, null);
    acks.connected(true);
    for (const id of [5, 6, 7]) expect(acks.arrived(id)).toBe('count');
    expect(acks.freeze()).toBe(7);
    acks.arrived(8);
    expect([...acks.release()]).toEqual([5, 6]);
    expect(acks.freeze()).toBe(8);
    expect([...acks.release()]).toEqual([7]);
    expect(acks.freeze()).toBe(8);
    expect([...acks.release()]).toEqual([]);
    expect(acks.pendingCount).toBe(1);
  });

  test('a flush frozen on the last connection releases nothing on this one', () => {
    const acks = new WithheldAcks(10, null);
    acks.connected(true);
    for (const id of [1, 2, 3]) acks.arrived(id);
    acks.freeze();
    acks.connected(true);
    expect([1, 2, 3].map((id) => acks.arrived(id))).toEqual(['undecided', 'undecided', 'mark']);
    expect([...acks.release()]).toEqual([]);
    expect(acks.freeze()).toBe(3);
    expect([...acks.release()]).toEqual([1, 2]);
  });

  test('nothing is acknowledged while the mark is awaited, and flushes keep carrying it', () => {
    const acks = new WithheldAcks(10, 9);
    acks.connected(true);
    acks.arrived(4);
    expect(acks.freeze()).toBe(9);
    expect([...acks.release()]).toEqual([]);
    acks.giveUpMark();
    expect(acks.freeze()).toBe(4);
  });

  test('a session that the broker forgot takes the mark with it', () => {
    const acks = new WithheldAcks(10, 9);
    acks.connected(false);
    expect(acks.mark).toBeNull();
    expect(acks.arrived(9)).toBe('count');
  });

  test('a mark that is given up before anything came is none', () => {
    const acks = new WithheldAcks(10, 9);
    acks.connected(true);
    acks.giveUpMark();
    expect(acks.mark).toBeNull();
  });

  test('messages are deferred while the broker may hold as many as there are ids', () => {
    const acks = new WithheldAcks(3, null);
    acks.connected(true);
    expect([1, 2, 3, 4].map((id) => acks.arrived(id))).toEqual([
      'count',
      'count',
      'count',
      'defer',
    ]);
    acks.freeze();
    expect([...acks.release()]).toEqual([1, 2]);
    expect(acks.arrived(4)).toBe('defer');
    acks.confirmed(2);
    expect(acks.arrived(4)).toBe('count');
  });

  test('a mark that is not among the messages that can lie before it is overdue', () => {
    const acks = new WithheldAcks(2, 9);
    acks.connected(true);
    expect([1, 2, 3].map((id) => acks.arrived(id))).toEqual(['undecided', 'undecided', 'defer']);
    expect(acks.markIsOverdue).toBe(true);
  });
});

/**
 * How a broker chooses packet ids: HiveMQ takes the lowest free one, others count up and wrap. Mosquitto 2.0 numbers
 * messages when they are published, free or not, and exceeds its window: `overshooting`.
 */
type Allocation = 'lowest-free' | 'wrapping' | 'overshooting';

interface Message {
  readonly packetId: number;
  readonly message: number;
}

/** A PUBACK, or a ping that carries how many PUBACKs were sent since the last one. */
type Sent = { readonly puback: number } | { readonly ping: number };
/** A PUBLISH, or the answer to a ping. */
type Delivered = Message | { readonly pong: number };

/** A broker with one persistent session: redelivers what is in flight, in order, and reuses ids as soon as it may. */
class SimulatedBroker {
  readonly #window: number;
  readonly #ids: number;
  readonly #allocation: Allocation;
  readonly #queue: Message[] = [];
  readonly #inFlight: Message[] = [];
  #lastId = 0;
  /** What is on its way to the counter, and PUBACKs on their way back; gone with the connection. */
  toCounter: Delivered[] = [];
  toBroker: Sent[] = [];

  constructor(options: { window: number; ids: number; allocation: Allocation }) {
    this.#window = options.window;
    this.#ids = options.ids;
    this.#allocation = options.allocation;
  }

  get empty(): boolean {
    return this.#queue.length === 0 && this.toCounter.length === 0 && this.toBroker.length === 0;
  }

  publish(message: number): void {
    const packetId = this.#allocation === 'overshooting' ? this.#nextId() : 0;
    this.#queue.push({ packetId, message });
    this.#send(this.#window - this.#inFlight.length);
  }

  /** TCP: the broker may have read the first few PUBACKs of those on their way. */
  cut(random: SeededRandom): void {
    this.readAcks(random.integer(0, this.toBroker.length));
    this.toBroker = [];
    this.toCounter = [];
  }

  reconnect(): void {
    this.toCounter = [...this.#inFlight];
    this.#send(this.#window - this.#inFlight.length);
  }

  readAcks(count: number): void {
    for (const sent of this.toBroker.splice(0, count)) {
      if ('ping' in sent) {
        this.toCounter.push({ pong: sent.ping });
        continue;
      }
      const index = this.#inFlight.findIndex(({ packetId }) => packetId === sent.puback);
      if (index === -1) throw new Error(`PUBACK ${sent.puback} for what is not in flight`);
      if (index !== 0) throw new Error(`PUBACK ${sent.puback} out of order`);
      this.#inFlight.shift();
      const room = this.#window - this.#inFlight.length;
      this.#send(this.#allocation === 'overshooting' ? this.#window : room);
    }
  }

  #send(count: number): void {
    for (let sent = 0; sent < count; sent += 1) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const message = { ...next, packetId: next.packetId || this.#freeId() };
      this.#inFlight.push(message);
      this.toCounter.push(message);
    }
  }

  #nextId(): number {
    this.#lastId = (this.#lastId % this.#ids) + 1;
    return this.#lastId;
  }

  #freeId(): number {
    const used = new Set(this.#inFlight.map((message) => message.packetId));
    if (this.#allocation === 'lowest-free') this.#lastId = 0;
    let id = this.#nextId();
    while (used.has(id)) id = this.#nextId();
    return id;
  }
}

interface Flush {
  readonly messages: readonly number[];
  readonly mark: number | null;
}

/** Switches that break the recipe, to see that the simulation notices. */
interface Planted {
  readonly ackAll?: boolean;
  readonly forgetMark?: boolean;
  readonly markAsNew?: boolean;
  readonly trustIds?: boolean;
}

/** Runs one history and returns how often each message was counted in flushes that are durable. */
function simulate(random: SeededRandom, allocation: Allocation, planted: Planted = {}): number[] {
  const window = random.integer(2, 12);
  const ids = window + random.integer(1, 6);
  const broker = new SimulatedBroker({ window, ids, allocation });
  const span = planted.trustIds ? 1_000 : ids - 1;
  const total = random.integer(1, 120);
  const durable: Flush[] = [];
  let published = 0;
  let acks = new WithheldAcks(span, null);
  let open: number[] = [];
  let undecided: number[] = [];
  let deferred: Message[] = [];
  let outstanding: Flush | undefined;
  acks.connected(true);

  const decide = (message: Message): boolean => {
    const arrival = acks.arrived(message.packetId);
    if (arrival === 'defer') return false;
    if (arrival === 'count') open.push(message.message);
    if (arrival === 'undecided') undecided.push(message.message);
    if (arrival === 'mark') {
      undecided = [];
      if (planted.markAsNew) open.push(message.message);
    }
    return true;
  };
  const read = (count: number): void => {
    for (const delivered of broker.toCounter.splice(0, count)) {
      if ('pong' in delivered) acks.confirmed(delivered.pong);
      else deferred.push(delivered);
      while (deferred[0] !== undefined && decide(deferred[0])) deferred.shift();
    }
    if (acks.markIsOverdue) throw new Error('the mark did not come');
  };
  const freeze = (): void => {
    if (outstanding !== undefined) return;
    outstanding = { mark: acks.freeze(), messages: open };
    open = [];
  };
  const settle = (): void => {
    if (outstanding === undefined) return;
    durable.push(outstanding);
    outstanding = undefined;
    const last = acks.mark;
    const released = [...acks.release()];
    broker.toBroker.push(...released.map((puback) => ({ puback })));
    if (released.length > 0) broker.toBroker.push({ ping: released.length });
    if (planted.ackAll && acks.pendingCount === 1 && last !== null) {
      broker.toBroker.push({ puback: last });
      acks = new WithheldAcks(span, last);
      acks.connected(true);
      acks.arrived(last);
    }
  };
  const reconnect = (sessionPresent = true): void => {
    broker.cut(random);
    undecided = [];
    deferred = [];
    broker.reconnect();
    acks.connected(sessionPresent);
  };
  const crash = (): void => {
    // The outstanding flush reached Redis before its producer died, or never will: the seal sees to that.
    if (outstanding !== undefined && random.next() < 0.5) durable.push(outstanding);
    outstanding = undefined;
    open = [];
    acks = new WithheldAcks(span, planted.forgetMark ? null : (durable.at(-1)?.mark ?? null));
    reconnect();
  };

  for (let step = 0; step < 400; step += 1) {
    const dice = random.next();
    if (dice < 0.25 && published < total) broker.publish(published++);
    else if (dice < 0.5) read(random.integer(1, window));
    else if (dice < 0.65) freeze();
    else if (dice < 0.8) settle();
    else if (dice < 0.92) broker.readAcks(random.integer(0, broker.toBroker.length));
    else if (dice < 0.96) reconnect();
    else crash();
  }
  while (published < total) broker.publish(published++);
  const busy = (): boolean =>
    !broker.empty || open.length + deferred.length > 0 || outstanding !== undefined;
  for (let round = 0; busy(); round += 1) {
    if (round > 1_000) throw new Error('does not settle');
    settle();
    read(window);
    freeze();
    settle();
    broker.readAcks(broker.toBroker.length);
  }
  const counted = new Array<number>(total).fill(0);
  for (const flush of durable) {
    for (const message of flush.messages) counted[message] = (counted[message] ?? 0) + 1;
  }
  return counted;
}

/** How many of these histories end in a wrong count or in a broken protocol. */
function wrongRuns(seeds: readonly number[], allocation: Allocation, planted?: Planted): number {
  return seeds.filter((seed) => {
    try {
      return simulate(seededRandom(seed), allocation, planted).some((times) => times !== 1);
    } catch {
      return true;
    }
  }).length;
}

describe.each<Allocation>(['lowest-free', 'wrapping', 'overshooting'])(
  'against a broker with %s ids',
  (allocation) => {
    test('lost PUBACKs, cut connections and crashes lose nothing and double nothing', () => {
      for (const seed of seedsOfThisRun(1_500)) {
        const wrong = simulate(seededRandom(seed), allocation).filter((times) => times !== 1);
        if (wrong.length > 0) throw new Error(`SEED=${seed} counted wrongly: ${wrong.join(' ')}`);
      }
    });

    test.each<[string, Planted]>([
      ['acknowledges the mark too', { ackAll: true }],
      ['forgets the mark', { forgetMark: true }],
      ['counts the mark again', { markAsNew: true }],
    ])('a counter that %s is found out', (_, planted) => {
      const seeds = Array.from({ length: 200 }, (_, index) => index + 1);
      expect(wrongRuns(seeds, allocation, planted)).toBeGreaterThan(20);
    });
  },
);

test('a counter that trusts the broker to keep to its window is found out', () => {
  const seeds = Array.from({ length: 300 }, (_, index) => index + 1);
  expect(wrongRuns(seeds, 'overshooting', { trustIds: true })).toBeGreaterThan(20);
});
