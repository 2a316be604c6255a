import {
  endCountBack,
  eventMonths,
  findMeterToCountBack,
  handOverCountBack,
} from '@odometer/database/meters/count-back';
import type { Pool } from '@odometer/database/pool';
import type { CountBack } from '@odometer/queues/catalogue';
import type { UsageWriter } from '../periods/usage-writer.ts';
import { countSpanBack } from './count-span-back.ts';
import { Span } from './span.ts';

export interface CountBackParts {
  readonly pool: Pool;
  readonly usage: UsageWriter;
  /** Puts the next part into the queue. */
  readonly enqueue: (next: CountBack) => Promise<void>;
}

/**
 * budgetMs: then another job goes on, so that snapshots and closes get their turn; a tenth of the queue's deadline.
 * chunkEvents: about as many as appliers take in a transaction, a tenth of a second.
 */
const LIMITS = { budgetMs: 60_000, chunkEvents: 4_000 };

/**
 * Counts the events that came before a meter was created, in chunks, each with its position in one transaction: it may be
 * stopped or killed between any two, run again, or run twice at once. Months that are closed for an organization are left
 * out: their events stay to be queried, and are never billed.
 *
 *   counted_back_at null ──a chunk──▶ position further on ──nothing is left──▶ counted_back_at = now
 *
 * A job goes on only while the part it carries is the meter's; every other is out of date.
 */
export async function countBack(
  parts: CountBackParts,
  job: CountBack,
  signal: AbortSignal,
  limits = LIMITS,
): Promise<void> {
  const { pool, enqueue } = parts;
  const startedMs = performance.now();
  // Every event of a lower version than the meter's is stored already, so no month can be added to these.
  const span = new Span(await eventMonths(pool));
  while (!signal.aborted) {
    const meter = await findMeterToCountBack(pool, job.meter);
    if (meter === undefined || meter.part !== job.part) return;
    const next = span.from(meter.position);
    if (next === undefined) {
      await endCountBack(pool, meter);
      return;
    }
    span.adapt(await countSpanBack(parts, meter, next, limits.chunkEvents));
    if (performance.now() - startedMs > limits.budgetMs) {
      const handedOver = await handOverCountBack(pool, meter);
      if (handedOver) await enqueue({ meter: job.meter, part: job.part + 1 });
      return;
    }
  }
}
