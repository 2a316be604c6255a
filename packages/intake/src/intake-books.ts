import type { ProducerBooks } from '@odometer/domain/batch';

/**
 * The books of a process that takes usage in: every item that comes is received, and then either accepted (put into a
 * numbered batch) or rejected, with a reason. Plain integers, because they change for every item.
 *
 * An item is what a request or message that passed authentication and limits held; one that could not be taken apart is
 * one item. Items that are accepted are counted when their batch is frozen, not before: so the running totals that a batch
 * carries hold exactly what is in it and in its predecessors, and `received = accepted + rejected` in each.
 */
export class IntakeBooks<Reason extends string> {
  received = 0;
  /** In frozen batches. */
  accepted = 0;
  /** Batches frozen so far: the seq of the last one. */
  frozenSeq = 0;
  readonly rejected: Record<Reason, number>;
  #rejectedTotal = 0;
  /** All batches up to this one are durable. */
  #durableSeq = 0;
  #durableAccepted = 0;

  /** @param reasons a closed set: each labels a metric. */
  constructor(reasons: readonly Reason[]) {
    this.rejected = Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<
      Reason,
      number
    >;
  }

  receive(items: number): void {
    this.received += items;
  }

  reject(reason: Reason, items = 1): void {
    this.rejected[reason] += items;
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
