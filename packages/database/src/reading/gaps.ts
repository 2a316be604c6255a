import type { GapReason } from '../gaps.ts';
import type { Queryable } from '../pool.ts';

export interface GapRow {
  readonly id: string;
  readonly source: string;
  readonly epoch: string | null;
  readonly reason: GapReason;
  readonly startedAt: Date | null;
  readonly endedAt: Date;
  readonly recordedAt: Date;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Where something may be missing, the newest first. A gap is of a source, so it may concern any organization. */
export async function listGapPage(
  db: Queryable,
  page: {
    /** Id of the last one of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly GapRow[]> {
  const { rows } = await db.query<GapRow>(
    `select id, source, epoch, reason, started_at as "startedAt", ended_at as "endedAt",
       recorded_at as "recordedAt", detail
     from gaps
     where $1::bigint is null or id < $1
     order by id desc
     limit $2`,
    [page.after ?? null, page.limit],
  );
  return rows;
}
