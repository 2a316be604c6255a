import type { Queryable } from '../pool.ts';
import type { MeasuredKind } from './measured-targets.ts';

export interface CompleteFigures {
  readonly target: string;
  readonly startedAt: Date;
  readonly figures: Readonly<Record<string, unknown>>;
}

/**
 * What the last complete measurement, of all there is, of each declared target of a kind found out; one that has none is not in it.
 *
 * @param target only this one.
 */
export async function completeFigures(
  db: Queryable,
  kind: MeasuredKind,
  target?: string,
): Promise<readonly CompleteFigures[]> {
  const { rows } = await db.query<CompleteFigures>(
    `select d.name as target, m.started_at as "startedAt", m.figures
     from measured_targets d
     cross join lateral (
       select started_at, figures from whole_measurements m
       where m.kind = d.kind and m.target = d.name and m.state = 'complete'
       order by m.id desc limit 1
     ) m
     where d.kind = $1 and d.retired_at is null and ($2::text is null or d.name = $2)
     order by d.name`,
    [kind, target ?? null],
  );
  return rows;
}
