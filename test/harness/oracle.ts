import { formatQuantity, type Scaled, wholeQuantity } from '@odometer/domain/decimal';
import { messageUnits } from '@odometer/domain/mqtt-units';
import { dayStart, hourStart, toTimestamp } from '@odometer/domain/period';

/** A sum and how many items it is made of, as the database shows it: `12.5 of 3`. */
interface Total {
  sum: Scaled;
  count: bigint;
}

type Totals = Map<string, Total>;

/** An event as the oracle must know it, apart from the JSON that is sent. */
export interface PlannedEvent {
  readonly id: string;
  readonly project: string;
  readonly device: string | undefined;
  readonly meter: string;
  readonly timeMs: number;
  readonly quantity: Scaled;
  /** What is posted. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A message as it is published. */
export interface PlannedMessage {
  readonly project: string;
  readonly device: string;
  readonly outbound: boolean;
  readonly topic: string;
  readonly payload: Buffer;
}

function add(totals: Totals, key: string, quantity: Scaled, count: bigint): void {
  const total = totals.get(key);
  if (total === undefined) totals.set(key, { sum: quantity, count });
  else {
    total.sum += quantity;
    total.count += count;
  }
}

/** By key, as text that can be compared with what the database says. */
export function asText(totals: ReadonlyMap<string, Total>): ReadonlyMap<string, string> {
  return new Map(
    Array.from(totals, ([key, { sum, count }]) => [key, `${formatQuantity(sum)} of ${count}`]),
  );
}

/**
 * What must be counted: everything that was acknowledged to a client of ours, once. It adds up on its own, with nothing of
 * the product but the format of a decimal, the units of a message and the starts of hours.
 */
export class Oracle {
  /** Sent or about to be: no total may ever exceed these. */
  attemptedMessages = 0;
  attemptedEvents = 0;
  acknowledgedMessages = 0;
  acknowledgedDeliveries = 0;
  /** Sent, and the connection broke before the PUBACK: nobody knows. */
  unknownMessages = 0;
  readonly #attemptedIds = new Set<string>();
  readonly #countedIds = new Set<string>();
  /** `project meter hour`; of messages `project meter`, because their hour is when they arrive. */
  readonly usage: Totals = new Map();
  /** `project device meter day`; of messages without the day. */
  readonly deviceUsage: Totals = new Map();

  get acknowledgedEvents(): number {
    return this.#countedIds.size;
  }

  attemptMessage(): void {
    this.attemptedMessages += 1;
  }

  acknowledgeMessage({ project, device, outbound, topic, payload }: PlannedMessage): void {
    this.acknowledgedMessages += 1;
    const bytes = Buffer.byteLength(topic) + payload.length;
    const meter = outbound ? 'mqtt_outbound' : 'mqtt_inbound';
    add(this.usage, `${project} ${meter}`, wholeQuantity(1), 1n);
    add(this.usage, `${project} ${meter}_bytes`, wholeQuantity(bytes), 1n);
    add(this.usage, `${project} ${meter}_units`, wholeQuantity(messageUnits(bytes)), 1n);
    add(this.deviceUsage, `${project} ${device} ${meter}`, wholeQuantity(1), 1n);
  }

  attemptEvents(events: readonly PlannedEvent[]): void {
    for (const { id } of events) this.#attemptedIds.add(id);
    this.attemptedEvents = this.#attemptedIds.size;
  }

  /** Called for every 204; an event that was acknowledged before changes nothing. */
  acknowledgeEvents(events: readonly PlannedEvent[]): void {
    this.acknowledgedDeliveries += events.length;
    for (const { id, project, device, meter, timeMs, quantity } of events) {
      if (this.#countedIds.has(id)) continue;
      this.#countedIds.add(id);
      const hour = toTimestamp(hourStart(timeMs));
      add(this.usage, `${project} ${meter} ${hour}`, quantity, 1n);
      if (device === undefined) continue;
      const day = toTimestamp(dayStart(timeMs));
      add(this.deviceUsage, `${project} ${device} ${meter} ${day}`, quantity, 1n);
    }
  }
}
