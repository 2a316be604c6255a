/**
 * A batch is what a producer hands over at once: `(source, epoch, seq)`. Its job id is derived from the three, its
 * content is frozen at the first attempt, and it is claimed in the transaction that applies it. So a job that is added
 * twice, or runs twice, counts once.
 */
export interface BatchId {
  /** The producer's own name, stable over restarts: `mqtt-counter-0`. */
  readonly source: string;
  /** One life of the producer: a Postgres identity, as decimal text. Unique over all sources. */
  readonly epoch: string;
  /** 1, 2, 3 … without gaps: a hole that does not fill is a loss, and is found. */
  readonly seq: number;
}

/**
 * The producer's own running totals over its epoch, up to and including this batch. Cumulative, so that the size of a
 * batch that was lost follows from its neighbours.
 */
export interface ProducerBooks {
  readonly received: number;
  readonly rejected: number;
  readonly accepted: number;
}

/** What became of a batch's items; the sum of the fields is what the batch held. */
export interface BatchOutcome {
  readonly counted: number;
  readonly duplicate: number;
  readonly conflicting: number;
  readonly invalid: number;
  readonly unmetered: number;
  readonly unattributed: number;
  readonly dead: number;
}

/** The BullMQ job id of a batch. BullMQ refuses `:` in ids and ids that are all digits. */
export function batchJobId({ source, epoch, seq }: BatchId): string {
  return `${source}.${epoch}.${seq}`;
}

const SOURCE = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Whether `text` may name a source: a DNS label, as Kubernetes pod names are. No dot, or job ids could collide. */
export function isSourceName(text: string): boolean {
  return SOURCE.test(text);
}
