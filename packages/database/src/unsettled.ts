import type { Queryable } from './pool.ts';

/** Letters of a queue that nobody has retried, or that failed again since. */
export interface UnsettledLetters {
  readonly queue: string;
  readonly letters: number;
  readonly oldestFailedAt: Date;
  readonly newestFailedAt: Date;
}

/** Dead letters that wait for somebody, by queue; a queue without any is absent. */
export async function unsettledLetters(db: Queryable): Promise<readonly UnsettledLetters[]> {
  const { rows } = await db.query<UnsettledLetters>(
    `select queue, count(*)::int as letters, min(failed_at) as "oldestFailedAt", max(failed_at) as "newestFailedAt"
     from dead_letters where retried_at is null group by queue`,
  );
  return rows;
}

/** When a gap was last recorded, by reason; a reason that there never was is absent. */
export async function newestGaps(
  db: Queryable,
): Promise<readonly { readonly reason: string; readonly recordedAt: Date }[]> {
  const { rows } = await db.query<{ reason: string; recordedAt: Date }>(
    'select reason, max(recorded_at) as "recordedAt" from gaps group by reason',
  );
  return rows;
}
