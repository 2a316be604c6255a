import { readBooks } from '@odometer/database/books';
import { type GapReason, listGaps } from '@odometer/database/gaps';
import type { IntakeKind } from '@odometer/domain/books';
import { findJobs } from '@odometer/queues/find-jobs';
import { eventually } from '@odometer/testing/eventually';
import { asText } from './oracle.ts';
import { readProgress } from './settle.ts';
import type { System } from './system.ts';
import { hoursDifferFromMonths } from './watch-totals.ts';

const MAX_DIFFERENCES = 5;
/** Producers acknowledge about once a second; the books of what has settled close within this. */
const BOOKS_DEADLINE_MS = 10_000;

export interface Expectations {
  /** Rows in event_conflicts. @default 0 */
  readonly conflicts?: number;
  /**
   * Set when the broker was killed, so that nobody can say what it took with it: the messages counted are then only
   * compared with these bounds. @default as acknowledged, exactly
   */
  readonly messages?: { readonly atLeast: number; readonly atMost: number };
  /** Reasons of gap records that are in order. @default none */
  readonly gaps?: readonly GapReason[];
}

/**
 * Compares everything in Postgres with what was acknowledged, after the system has settled.
 * @returns one sentence for each thing that is wrong; empty when the totals are exact and the books close.
 */
export async function compare(system: System, expected: Expectations = {}): Promise<string[]> {
  const { db, oracle } = system;
  const violations = [...system.unexpected.splice(0), ...(await jobProblems(system))];
  const { messages: bounds } = expected;
  if (bounds === undefined && oracle.unknownMessages > 0) {
    violations.push(
      `${oracle.unknownMessages} publishes of the test itself have an unknown outcome`,
    );
  }
  const known = (totals: ReadonlyMap<string, string>) =>
    bounds === undefined ? totals : new Map([...totals].filter(([key]) => !key.includes(' mqtt_')));
  violations.push(
    ...differences('usage_hourly', known(asText(oracle.usage)), known(await hourlyUsage(db))),
    ...differences(
      'device_usage_daily',
      known(asText(oracle.deviceUsage)),
      known(await deviceUsage(db)),
    ),
  );
  if (await hoursDifferFromMonths(db))
    violations.push('the hours of a meter do not add up to its months');
  if (await projectStatsDiffer(db)) violations.push('project_stats differs from usage_monthly');

  const figure = async (what: string, sql: string, is: number) => {
    const { rows } = await db.query<{ n: string }>(sql);
    const n = Number(rows[0]?.n);
    if (n !== is) violations.push(`${what}: ${n}, and should be ${is}`);
  };
  await figure('rows in events', 'select count(*) as n from events', oracle.acknowledgedEvents);
  await figure('event keys', 'select count(*) as n from event_keys', oracle.acknowledgedEvents);
  await figure('dead letters', 'select count(*) as n from dead_letters', 0);
  await figure('conflicts', 'select count(*) as n from event_conflicts', expected.conflicts ?? 0);
  await figure('unattributed usage', 'select count(*) as n from unattributed_usage', 0);
  for (const { reason, detail } of await listGaps(db, 100)) {
    if (expected.gaps?.includes(reason)) continue;
    violations.push(`a gap was recorded: ${reason} ${JSON.stringify(detail)}`);
  }
  const { messages } = await readProgress(system);
  if (bounds !== undefined && (messages < bounds.atLeast || messages > bounds.atMost)) {
    violations.push(
      `${messages} messages were counted, and should be ${bounds.atLeast} to ${bounds.atMost}`,
    );
  }
  for (const [kind, items] of [
    ['mqtt', bounds === undefined ? oracle.acknowledgedMessages : messages],
    ['events', oracle.acknowledgedEvents],
  ] as const) {
    await figure(
      `items that applied batches of ${kind} say they counted`,
      `select coalesce(sum(e.through_counted), 0) + coalesce(sum(b.counted), 0) as n
       from source_epochs e join sources s using (source)
       cross join lateral (select sum(counted) as counted from applied_batches a where a.epoch = e.epoch) b
       where s.kind = '${kind}'`,
      items,
    );
  }
  violations.push(...(await booksProblems(system)));
  return violations;
}

/** Jobs that do not end. What was only refused is flushed, too, and nobody waits for it to be counted. */
export async function jobProblems(system: System): Promise<readonly string[]> {
  let left = 0;
  await eventually(
    async () => {
      left = (await readProgress(system)).jobs;
      return left === 0;
    },
    { deadlineMs: BOOKS_DEADLINE_MS, intervalMs: 100 },
  ).catch(() => {});
  return left === 0 ? [] : [`${left} jobs are left in Redis`];
}

/** Why the books do not close; waits for the producers' last word. */
export async function booksProblems(system: System): Promise<readonly string[]> {
  let problems: string[] = [];
  await eventually(
    async () => {
      const { kinds } = await booksOf(system);
      problems = kinds.flatMap(({ kind, figures, broken, pending, lost }) => [
        ...broken.map((sentence) => `books of ${kind}: ${sentence}`),
        ...lost.map(
          (missing) => `books of ${kind}: lost ${missing.items} in ${missing.batches} batches`,
        ),
        ...pending.map(
          (missing) => `books of ${kind}: ${missing.items} pending in ${missing.batches} batches`,
        ),
        ...(figures.in_flight === 0n ? [] : [`books of ${kind}: ${figures.in_flight} in flight`]),
      ]);
      return problems.length === 0;
    },
    { deadlineMs: BOOKS_DEADLINE_MS, intervalMs: 200 },
  ).catch(() => {});
  return problems;
}

/** The books as `odometer books` reads them. */
export function booksOf(system: System) {
  return readBooks(system.db, async (kind: IntakeKind, jobIds) => {
    const queue = system.queues.get(kind === 'mqtt' ? 'counts' : kind);
    return queue === undefined ? new Map() : findJobs(queue, jobIds);
  });
}

function differences(
  what: string,
  expected: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
): readonly string[] {
  const found: string[] = [];
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const [should, is] = [expected.get(key) ?? 'nothing', actual.get(key) ?? 'nothing'];
    if (should !== is) found.push(`${what} ${key}: ${is}, and should be ${should}`);
  }
  const more = found.length - MAX_DIFFERENCES;
  return more > 0
    ? [...found.slice(0, MAX_DIFFERENCES), `… and ${more} more rows of ${what}`]
    : found;
}

const ISO = `to_char(%s at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

async function hourlyUsage(db: System['db']): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ key: string; total: string }>(
    `select o.slug || '/' || p.slug || ' ' || m.slug
         || case when m.owner = 'mqtt' then '' else ' ' || ${ISO.replace('%s', 'u.hour')} end as key,
       trim_scale(sum(u.sum)) || ' of ' || sum(u.count) as total
     from usage_hourly u
     join projects p on p.id = u.project_id
     join organizations o on o.id = p.organization_id and o.id = u.organization_id
     join meters m on m.id = u.meter_id
     group by 1`,
  );
  return new Map(rows.map(({ key, total }) => [key, total]));
}

async function deviceUsage(db: System['db']): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ key: string; total: string }>(
    `select o.slug || '/' || p.slug || ' ' || d.slug || ' ' || m.slug
         || case when m.owner = 'mqtt' then '' else ' ' || ${ISO.replace('%s', 'u.day')} end as key,
       trim_scale(sum(u.sum)) || ' of ' || sum(u.count) as total
     from device_usage_daily u
     join devices d on d.id = u.device_id and d.project_id = u.project_id
     join projects p on p.id = u.project_id
     join organizations o on o.id = p.organization_id and o.id = u.organization_id
     join meters m on m.id = u.meter_id
     group by 1`,
  );
  return new Map(rows.map(({ key, total }) => [key, total]));
}

/** The view's lifetime columns against the rows below it. */
async function projectStatsDiffer(db: System['db']): Promise<boolean> {
  const meters = [
    'mqtt_inbound',
    'mqtt_outbound',
    'api_calls',
    'logs',
    'sessions',
    'deployments',
    'logins',
    'data_transfer_bytes',
  ];
  const columns = meters.map((meter) => `('${meter}', v.lifetime_${meter})`).join(', ');
  const { rows } = await db.query<{ different: boolean }>(
    `select exists (
       select 1
       from project_stats v
       cross join lateral (values ${columns}) as c (slug, sum)
       join meters m using (slug)
       where c.sum <> coalesce(
         (select sum(u.sum) from usage_monthly u where u.project_id = v.project_id and u.meter_id = m.id), 0)
     ) as different`,
  );
  return rows[0]?.different === true;
}
