/** SQL of the end of the month that starts at $1. */
export const MONTH_END = `(($1::timestamptz at time zone 'UTC' + interval '1 month') at time zone 'UTC')`;

/** SQL: whether a month has ended by Postgres' clock, as every guard asks that must hold whatever its caller's says. */
export const hasEnded = (month: string): string =>
  `(${month} at time zone 'UTC' + interval '1 month') at time zone 'UTC' <= clock_timestamp()`;

/** SQL: of the project `p`: whether it was there in the month that starts at $1, has usage in it, or late usage billed in it. */
export const IS_OF_MONTH = `((p.created_at < ${MONTH_END} and (p.archived_at is null or p.archived_at >= $1))
  or exists (select from usage_monthly u where u.project_id = p.id and u.month = $1)
  or exists (select from usage_adjustments a where a.project_id = p.id and a.billed_month = $1))`;
