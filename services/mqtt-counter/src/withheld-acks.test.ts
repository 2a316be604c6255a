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

  test('more messages in flight than the window are noticed', () => {
    const acks = new WithheldAcks(2, null);
    acks.connected(true);
    expect([1, 2, 3].map((id) => acks.arrived(id))).toEqual(['count', 'count', 'beyond_window']);
  });
});

/** How a broker chooses packet ids: HiveMQ takes the lowest free one, Mosquitto counts up and wraps. */
type Allocation = 'lowest-free' | 'wrapping';

interface Message {
  readonly packetId: number;
  readonly message: number;
}

/** A broker with one persistent session: redelivers what is in flight, in order, and reuses ids as soon as it may. */
class SimulatedBroker {
  readonly #window: number;
  readonly #ids: number;
  readonly #allocation: Allocation;
  readonly #queue: number[] = [];
  readonly #inFlight: Message[] = [];
  #lastId = 0;
  /** What is on its way to the counter, and PUBACKs on their way back; gone with the connection. */
  toCounter: Message[] = [];
  toBroker: number[] = [];

  constructor(options: { window: number; ids: number; allocation: Allocation }) {
    this.#window = options.window;
    this.#ids = options.ids;
    this.#allocation = options.allocation;
  }

  get empty(): boolean {
    return this.#queue.length === 0 && this.toCounter.length === 0 && this.toBroker.length === 0;
  }

  publish(message: number): void {
    this.#queue.push(message);
    this.#send();
  }

  /** TCP: the broker may have read the first few PUBACKs of those on their way. */
  cut(random: SeededRandom): void {
    this.readAcks(random.integer(0, this.toBroker.length));
    this.toBroker = [];
    this.toCounter = [];
  }

  reconnect(): void {
    this.toCounter = [...this.#inFlight];
    this.#send();
  }

  readAcks(count: number): void {
    for (const packetId of this.toBroker.splice(0, count)) {
      const index = this.#inFlight.findIndex((message) => message.packetId === packetId);
      if (index === -1) throw new Error(`PUBACK ${packetId} for a message that is not in flight`);
      if (index !== 0) throw new Error(`PUBACK ${packetId} out of order`);
      this.#inFlight.shift();
    }
    this.#send();
  }

  #send(): void {
    while (this.#inFlight.length < this.#window) {
      const message = this.#queue.shift();
      if (message === undefined) return;
      const sent = { packetId: this.#freeId(), message };
      this.#inFlight.push(sent);
      this.toCounter.push(sent);
    }
  }

  #freeId(): number {
    const used = new Set(this.#inFlight.map((message) => message.packetId));
    let id = this.#allocation === 'lowest-free' ? 0 : this.#lastId;
    do id = (id % this.#ids) + 1;
    while (used.has(id));
    this.#lastId = id;
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
}

/** Runs one history and returns how often each message was counted in flushes that are durable. */
function simulate(random: SeededRandom, allocation: Allocation, planted: Planted = {}): number[] {
  const window = random.integer(2, 12);
  const broker = new SimulatedBroker({ window, ids: window + random.integer(1, 6), allocation });
  const total = random.integer(1, 120);
  const durable: Flush[] = [];
  let published = 0;
  let acks = new WithheldAcks(window, null);
  let open: number[] = [];
  let undecided: number[] = [];
  let outstanding: Flush | undefined;
  acks.connected(true);

  const read = (count: number): void => {
    for (const { packetId, message } of broker.toCounter.splice(0, count)) {
      const arrival = acks.arrived(packetId);
      if (arrival === 'beyond_window') throw new Error('beyond window');
      if (arrival === 'count') open.push(message);
      if (arrival === 'undecided') undecided.push(message);
      if (arrival === 'mark') {
        undecided = [];
        if (planted.markAsNew) open.push(message);
      }
    }
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
    broker.toBroker.push(...acks.release());
    if (planted.ackAll && acks.pendingCount === 1 && last !== null) {
      broker.toBroker.push(last);
      acks = new WithheldAcks(window, last);
      acks.connected(true);
      acks.arrived(last);
    }
  };
  const reconnect = (sessionPresent = true): void => {
    broker.cut(random);
    undecided = [];
    broker.reconnect();
    acks.connected(sessionPresent);
  };
  const crash = (): void => {
    // The outstanding flush reached Redis before its producer died, or never will: the seal sees to that.
    if (outstanding !== undefined && random.next() < 0.5) durable.push(outstanding);
    outstanding = undefined;
    open = [];
    acks = new WithheldAcks(window, planted.forgetMark ? null : (durable.at(-1)?.mark ?? null));
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
  for (let round = 0; !broker.empty || open.length > 0 || outstanding !== undefined; round += 1) {
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

describe.each<Allocation>(['lowest-free', 'wrapping'])(
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
