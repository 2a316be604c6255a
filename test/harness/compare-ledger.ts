import type { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { booksProblems, jobProblems } from './compare.ts';
import type { System } from './system.ts';

const MAX_DIFFERENCES = 5;

/** An object that is created once and stays: its byte-hours do not depend on the order in which notifications come. */
export interface KeptObject {
  readonly sizeBytes: number;
  readonly atMs: number;
}

/**
 * Compares the ledger with the bucket that it is told of, after the system has settled.
 *
 * @param kept what lies in the project `acme/kept-…` of this bucket; nothing else does.
 * @returns one sentence for each thing that is wrong.
 */
export async function compareLedger(
  system: System,
  truth: {
    readonly bucketId: number;
    readonly bucket: SimulatedBucket;
    readonly kept: readonly KeptObject[];
  },
): Promise<readonly string[]> {
  const { db } = system;
  const { bucketId, bucket, kept } = truth;
  const violations = [...system.unexpected.splice(0), ...(await jobProblems(system))];
  const inBucket = bucket
    .versions()
    .filter(({ isDeleteMarker }) => !isDeleteMarker)
    .map(({ key, version, sizeBytes }) => JSON.stringify([key, version, sizeBytes]));
  const { rows } = await db.query<{ key: string; version: string; size_bytes: string }>(
    'select key, version, size_bytes from stored_objects where bucket_id = $1 and live',
    [bucketId],
  );
  const inLedger = rows.map(({ key, version, size_bytes }) =>
    JSON.stringify([key, version, Number(size_bytes)]),
  );
  violations.push(...missing('missing in the ledger', inBucket, inLedger));
  violations.push(...missing('only in the ledger', inLedger, inBucket));

  const none = async (what: string, sql: string) => {
    const { rows: wrong } = await db.query(sql);
    if (wrong.length > 0) violations.push(`${what}: ${JSON.stringify(wrong.slice(0, 3))}`);
  };
  await none('levels differ from the live rows', LEVELS_DIFFER);
  await none('what accounts have booked differs from their levels', ACCOUNTS_DIFFER);
  await none('dead letters', 'select queue, reason from dead_letters limit 3');
  await none('gaps', 'select reason, detail from gaps limit 3');
  violations.push(...(await byteTimeProblems(system, bucket.name, kept)));
  violations.push(...(await booksProblems(system)));
  return violations;
}

function missing(
  what: string,
  expected: readonly string[],
  actual: readonly string[],
): readonly string[] {
  const there = new Set(actual);
  return expected
    .filter((row) => !there.has(row))
    .slice(0, MAX_DIFFERENCES)
    .map((row) => `${what}: ${row}`);
}

/** Settled byte-hours, what is left over of them and what is still to be settled come to each object's bytes and time. */
async function byteTimeProblems(
  { db }: System,
  bucketName: string,
  kept: readonly KeptObject[],
): Promise<readonly string[]> {
  const untilMs = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
  const expected = kept.reduce(
    (sum, { sizeBytes, atMs }) => sum + BigInt(sizeBytes) * BigInt(untilMs - atMs),
    0n,
  );
  const slug = bucketName.replace('bucket', 'kept');
  const { rows } = await db.query<{ byte_ms: string; settled: boolean }>(BYTE_TIME, [
    new Date(untilMs),
    slug,
  ]);
  const [row] = rows;
  if (row === undefined || BigInt(row.byte_ms) !== expected) {
    return [`byte-ms of ${slug}: ${row?.byte_ms}, and should be ${expected}`];
  }
  // Or nothing would have been settled under load, and this would prove less than it says.
  return row.settled ? [] : ['no byte-hour was settled'];
}

const LEVELS_DIFFER = `
  with truth as (
    select bucket_id, coalesce(project_id, 0) as project_id, metered_object_type, sum(size_bytes) as bytes, count(*) as objects
    from stored_objects where live group by 1, 2, 3
  )
  select bucket_id, project_id, metered_object_type, t.bytes as "trueBytes", l.bytes, t.objects as "trueObjects", l.objects
  from truth t full join storage_levels l using (bucket_id, project_id, metered_object_type)
  where coalesce(t.bytes, 0) <> coalesce(l.bytes, 0) or coalesce(t.objects, 0) <> coalesce(l.objects, 0)`;

const ACCOUNTS_DIFFER = `
  with level as (
    select project_id, sum(bytes) as bytes from storage_levels where project_id <> 0 group by 1
  ), booked as (
    select a.project_id, a.settled_bytes + coalesce((
      select sum(c.bytes) from storage_changes c where c.project_id = a.project_id
    ), 0) as bytes
    from storage_accounts a
  )
  select project_id, l.bytes as level, b.bytes as booked from level l full join booked b using (project_id)
  where coalesce(l.bytes, 0) <> coalesce(b.bytes, 0)`;

/** Up to $1, and in one statement: hours may be settled meanwhile. 23 are the byte-hours. */
const BYTE_TIME = `
  select trim_scale(u.whole * 3600000 + a.remaining_byte_ms
    + case when a.settled_bytes = 0 then 0 else a.settled_bytes * extract(epoch from $1 - a.settled_through) * 1000 end
    + c.byte_ms) as byte_ms,
    -- Anybody's: with a second seed all that comes late is of the hour that is not settled yet.
    exists (select from usage_hourly where meter_id = 23) as settled
  from projects p
  join storage_accounts a on a.project_id = p.id
  cross join lateral (
    select coalesce(sum(sum), 0) as whole from usage_hourly where project_id = p.id and meter_id = 23
  ) u
  cross join lateral (
    select coalesce(sum(byte_ms + bytes * extract(epoch from $1 - (hour + interval '1 hour')) * 1000), 0) as byte_ms
    from storage_changes where project_id = p.id
  ) c
  where p.slug = $2`;
