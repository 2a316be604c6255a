import { inTransaction } from '@odometer/database/pool';
import { addUnattributedUsage } from '@odometer/database/unattributed-usage';
import { formatQuantity } from '@odometer/domain/decimal';
import { hourStart, monthStart, toTimestamp } from '@odometer/domain/period';
import { writeReadings } from '../../periods/record-readings.ts';
import type { SetParts } from '../../periods/set-usage.ts';
import { retryConflicts } from '../../retry-conflicts.ts';
import type { ReadingValue } from './read-values.ts';

/** Some hundred milliseconds each. */
const PROJECTS_A_TRANSACTION = 5_000;

/**
 * Records what a gauge was read at for each project. One that is not among them, or whose value nobody knows, has no reading:
 * its last one holds. What has no project is kept until it has one.
 *
 * @returns how many of them have no project.
 */
export async function recordGauge(
  parts: SetParts,
  meterId: number,
  atMs: number,
  values: readonly ReadingValue[],
): Promise<number> {
  const known = values.filter(({ value }) => value !== null);
  let unattributed = 0;
  for (let i = 0; i < known.length; i += PROJECTS_A_TRANSACTION) {
    unattributed += await recordSome(
      parts,
      meterId,
      atMs,
      known.slice(i, i + PROJECTS_A_TRANSACTION),
    );
  }
  return unattributed;
}

async function recordSome(
  { pool, partitions, usage, registry }: SetParts,
  meterId: number,
  atMs: number,
  values: readonly ReadingValue[],
): Promise<number> {
  const at = toTimestamp(atMs);
  const months = [monthStart(atMs)];
  await partitions.ensure(pool, months);
  const { nobodys, onCommit } = await retryConflicts(
    () =>
      inTransaction(pool, async (transaction) => {
        const periods = await usage.begin(transaction, months);
        const resolution = await registry.resolve(transaction, values);
        const readings = [];
        const nobodys = [];
        for (const { organization, project, value } of values) {
          const text = formatQuantity(value ?? 0n);
          const owner = resolution.project(organization, project);
          if (owner !== undefined) readings.push({ ...owner, meterId, at, value: text });
          else {
            nobodys.push({
              organization,
              project,
              device: '',
              meterId,
              hour: toTimestamp(hourStart(atMs)),
              sum: text,
              count: 1,
              min: text,
              max: text,
              last: text,
              lastAt: at,
            });
          }
        }
        const remember = await writeReadings(transaction, periods, readings);
        await addUnattributedUsage(transaction, nobodys);
        return {
          nobodys: nobodys.length,
          onCommit: () => {
            resolution.publish();
            remember();
          },
        };
      }),
    () => {},
  );
  onCommit();
  return nobodys;
}
