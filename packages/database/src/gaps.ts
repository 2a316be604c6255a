import type { Queryable } from './pool.ts';

/** Why something is known to be missing, or may be. */
export type GapReason =
  | 'session_lost'
  | 'mark_missing'
  | 'broker_restarted'
  | 'batch_lost'
  /** A log that somebody else keeps was read too late. */
  | 'checkpoint_lost';

export interface Gap {
  readonly source: string;
  readonly epoch: string | null;
  readonly reason: GapReason;
  /** From when messages may be missing; null when nothing is known. Milliseconds since the epoch. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Records a gap. A gap is a statement that something may be missing, made where it was noticed. */
export async function recordGap(db: Queryable, gap: Gap): Promise<void> {
  await db.query(
    `insert into gaps (source, epoch, reason, started_at, ended_at, detail)
     values ($1, $2, $3, to_timestamp($4::numeric / 1000), to_timestamp($5::numeric / 1000), $6)`,
    [gap.source, gap.epoch, gap.reason, gap.startedAtMs, gap.endedAtMs, JSON.stringify(gap.detail)],
  );
}

export interface RecordedGap {
  readonly id: string;
  readonly source: string;
  readonly epoch: string | null;
  readonly reason: GapReason;
  readonly startedAt: Date | null;
  readonly endedAt: Date;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The newest gaps first. */
export async function listGaps(db: Queryable, limit: number): Promise<readonly RecordedGap[]> {
  const { rows } = await db.query<RecordedGap>(
    `select id, source, epoch, reason, started_at as "startedAt", ended_at as "endedAt", detail
     from gaps order by recorded_at desc, id desc limit $1`,
    [limit],
  );
  return rows;
}
