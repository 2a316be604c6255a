import {
  lockUnreadAccounts,
  markRead,
  readLevels,
  type StoredLevels,
} from '@odometer/database/objects/unread-accounts';
import type { Reading } from '@odometer/database/periods/gauge-readings';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { postgresNowMs } from '@odometer/database/trusted-now';
import { addDecimals } from '@odometer/domain/decimal';
import { monthStart, toTimestamp } from '@odometer/domain/period';
import type { MonthPartitions } from '../month-partitions.ts';
import { writeReadings } from '../periods/record-readings.ts';
import type { UsageWriter } from '../periods/usage-writer.ts';

const PROJECTS_A_TRANSACTION = 1_000;
/** Then the rest is left to the next time, so that nobody waits long for a worker to stop. */
const TIME_MS = 5_000;

/** The gauges that the ledger and the registries' levels make; ids as in the migrations. */
const STORAGE_BYTES = 15;
const S3_STORAGE_BYTES = 16;
const DOCKER_STORAGE_BYTES = 17;
const LOGS_STORAGE_BYTES = 18;
const ECR_IMAGE_COUNT = 21;
const S3_OBJECT_COUNT = 22;

/**
 * Records what is stored for each project whose levels changed since they were recorded: one reading of each gauge, at one
 * instant. The account's lock is what whoever changes a level takes first, so no reading is of half a change; what is being
 * changed just then is read the next time.
 *
 * @returns how many projects were read.
 */
export async function readUnreadLevels(parts: {
  readonly pool: Pool;
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
}): Promise<number> {
  const untilMs = performance.now() + TIME_MS;
  let projects = 0;
  for (let read = PROJECTS_A_TRANSACTION; read === PROJECTS_A_TRANSACTION; ) {
    if (performance.now() > untilMs) break;
    read = await readSome(parts);
    projects += read;
  }
  return projects;
}

async function readSome({
  pool,
  partitions,
  usage,
}: {
  readonly pool: Pool;
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
}): Promise<number> {
  // By the clock that stamps the reading. The months are locked before it is known when exactly it is read: perhaps in the
  // one that begins in a moment.
  const nowMs = await postgresNowMs(pool);
  const months = new Set([nowMs - 60_000, nowMs, nowMs + 60_000].map(monthStart));
  await partitions.ensure(pool, months);
  const { read, remember } = await inTransaction(pool, async (transaction) => {
    const periods = await usage.begin(transaction, months);
    const projectIds = await lockUnreadAccounts(transaction, PROJECTS_A_TRANSACTION);
    if (projectIds.length === 0) return { read: 0, remember: () => {} };
    const { atMs, levels } = await readLevels(transaction, projectIds);
    const at = toTimestamp(atMs);
    const remember = await writeReadings(
      transaction,
      periods,
      levels.flatMap((stored) => readingsOf(stored, at)),
    );
    await markRead(transaction, projectIds);
    return { read: projectIds.length, remember };
  });
  remember();
  return read;
}

function readingsOf(stored: StoredLevels, at: string): readonly Reading[] {
  const { projectId, organizationId, s3Bytes, s3Objects, logBytes, registryBytes, images } = stored;
  const parts = [s3Bytes, registryBytes].filter((bytes) => bytes !== null);
  const total = parts.length === 0 ? null : parts.reduce(addDecimals);
  const values: readonly (readonly [meterId: number, value: string | null])[] = [
    [STORAGE_BYTES, total],
    [S3_STORAGE_BYTES, s3Bytes],
    [DOCKER_STORAGE_BYTES, registryBytes],
    [LOGS_STORAGE_BYTES, logBytes],
    [ECR_IMAGE_COUNT, images],
    [S3_OBJECT_COUNT, s3Objects],
  ];
  return values.flatMap(([meterId, value]) =>
    value === null ? [] : [{ projectId, organizationId, meterId, at, value }],
  );
}
