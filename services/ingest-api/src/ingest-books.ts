import type { ProducerBooks } from '@odometer/domain/batch';
import { REFUSAL_CODES, type RefusalCode } from './refusal.ts';

/**
 * The books of this process: every item that comes in is received, and then either accepted (put into a numbered batch)
 * or rejected, with a reason. Plain integers, because they change for every event.
 *
 * An item is what a request that passed authentication and the rate limit held; a body that could not be read as events
 * is one item. Events that are accepted are counted when their batch is frozen, not before: so the running totals that a
 * batch carries hold exactly what is in it and in its predecessors, and `received = accepted + rejected` in each.
 */
export class IngestBooks {
  received = 0;
  /** In frozen batches. */
  accepted = 0;
  /** Batches frozen so far: the seq of the last one. */
  frozenSeq = 0;
  readonly rejected: Record<RefusalCode, number>;
  #rejectedTotal = 0;
  /** All batches up to this one are durable. */
  #durableSeq = 0;
  #durableAccepted = 0;

  constructor() {
    this.rejected = Object.fromEntries(REFUSAL_CODES.map((code) => [code, 0])) as Record<
      RefusalCode,
      number
    >;
  }

  receive(items: number): void {
    this.received += items;
  }

  reject(code: RefusalCode, items = 1): void {
    this.rejected[code] += items;
    this.#rejectedTotal += items;
  }

  /** Gives the next batch its seq and its running totals. */
  freeze(items: number): { readonly seq: number; readonly books: ProducerBooks } {
    this.accepted += items;
    this.frozenSeq += 1;
    return { seq: this.frozenSeq, books: this.#totals(this.accepted) };
  }

  /** The batches up to `seq` are durable, and `accepted` is the running total of the last of them. */
  confirm(seq: number, accepted: number): void {
    this.#durableSeq = seq;
    this.#durableAccepted = accepted;
  }

  /** What this producer can vouch for now. What was only rejected rides along, as no batch may follow it for long. */
  acknowledgement(): { readonly seq: number; readonly books: ProducerBooks } {
    return { seq: this.#durableSeq, books: this.#totals(this.#durableAccepted) };
  }

  #totals(accepted: number): ProducerBooks {
    const rejected = this.#rejectedTotal;
    return { received: accepted + rejected, rejected, accepted };
  }
}
