import { messageUnits } from '@odometer/domain/mqtt-units';
import { hourStart } from '@odometer/domain/period';
import type { CountBatch, MessageCount } from '@odometer/queues/catalogue';

const HOUR_MS = 3_600_000;

/**
 * The open counts of one topic owner. One object lives as long as the topic cache knows the owner, so that counting a
 * message is a few additions to its fields; it belongs to the open flush while `round` is the accumulator's.
 */
export class OwnerCounts {
  readonly organization: string;
  readonly project: string;
  readonly device: string;
  round = 0;
  inboundMessages = 0;
  inboundBytes = 0;
  inboundUnits = 0;
  outboundMessages = 0;
  outboundBytes = 0;
  outboundUnits = 0;

  /** @param device empty when devices are not told apart */
  constructor(organization: string, project: string, device: string) {
    this.organization = organization;
    this.project = project;
    this.device = device;
  }
}

/**
 * What a flush will hold: counts of each owner by the hour in which its messages arrived.
 *
 *   open ──freeze──▶ open (the next flush, empty)
 *
 * Counts are plain numbers: a flush holds at most some minutes of traffic, far below 2^53 bytes.
 */
export class Accumulator {
  #round = 1;
  #hourMs: number;
  #owners: OwnerCounts[] = [];
  /** Hours that ended since the last freeze; nearly always none. */
  #endedHours: { hourMs: number; counts: MessageCount[] }[] = [];
  #endedHoursOwners = 0;
  #messages = 0;

  constructor(nowMs: number) {
    this.#hourMs = hourStart(nowMs);
  }

  /** Messages in the open flush. */
  get messages(): number {
    return this.#messages;
  }

  /** Entries that the open flush will have: its size, and our memory. */
  get owners(): number {
    return this.#endedHoursOwners + this.#owners.length;
  }

  /** Whether counting for this owner adds an entry to the open flush. */
  isNew(owner: OwnerCounts): boolean {
    return owner.round !== this.#round;
  }

  /** Tells the time, once per chunk of the stream: asking for every message would cost more than counting it. */
  tick(nowMs: number): void {
    if (nowMs >= this.#hourMs && nowMs < this.#hourMs + HOUR_MS) return;
    // A clock that was set back must not open an hour twice, two entries for one owner and hour in one batch: it is
    // followed when the flush is frozen, and before it a moment's messages stay in the hour that was.
    if (nowMs < this.#hourMs && this.owners > 0) return;
    if (this.#owners.length > 0) {
      this.#endedHours.push({ hourMs: this.#hourMs, counts: this.#take() });
      this.#endedHoursOwners = this.#endedHours.reduce((sum, { counts }) => sum + counts.length, 0);
    }
    this.#hourMs = hourStart(nowMs);
  }

  /** @param sizeBytes topic plus payload */
  count(owner: OwnerCounts, outbound: boolean, sizeBytes: number): void {
    if (owner.round !== this.#round) {
      owner.round = this.#round;
      this.#owners.push(owner);
    }
    this.#messages += 1;
    if (outbound) {
      owner.outboundMessages += 1;
      owner.outboundBytes += sizeBytes;
      owner.outboundUnits += messageUnits(sizeBytes);
    } else {
      owner.inboundMessages += 1;
      owner.inboundBytes += sizeBytes;
      owner.inboundUnits += messageUnits(sizeBytes);
    }
  }

  /** Takes everything out; what is counted from now on belongs to the next flush. */
  freeze(): Pick<CountBatch, 'messages' | 'hours'> {
    const hours = this.#endedHours;
    if (this.#owners.length > 0) hours.push({ hourMs: this.#hourMs, counts: this.#take() });
    const messages = this.#messages;
    this.#endedHours = [];
    this.#endedHoursOwners = 0;
    this.#messages = 0;
    return { messages, hours };
  }

  #take(): MessageCount[] {
    const counts = this.#owners.map((owner): MessageCount => {
      const count: MessageCount = [
        owner.organization,
        owner.project,
        owner.device,
        owner.inboundMessages,
        owner.inboundBytes,
        owner.inboundUnits,
        owner.outboundMessages,
        owner.outboundBytes,
        owner.outboundUnits,
      ];
      owner.inboundMessages = 0;
      owner.inboundBytes = 0;
      owner.inboundUnits = 0;
      owner.outboundMessages = 0;
      owner.outboundBytes = 0;
      owner.outboundUnits = 0;
      return count;
    });
    this.#owners = [];
    this.#round += 1;
    return counts;
  }
}
