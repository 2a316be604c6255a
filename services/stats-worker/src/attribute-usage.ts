import { lockMonthsShared } from '@odometer/database/advisory-locks';
import { addDeviceUsage } from '@odometer/database/device-usage';
import { inTransaction, type Pool } from '@odometer/database/pool';
import {
  attributableMonths,
  attributeEvents,
  takeAttributableUsage,
} from '@odometer/database/unattributed-usage';
import { addUsage } from '@odometer/database/usage';
import { addDecimals } from '@odometer/domain/decimal';
import { dayStart, toTimestamp } from '@odometer/domain/period';
import type { MonthPartitions } from './month-partitions.ts';

/**
 * Applies the usage that was kept because its name was not registered, once it is. Runs when a project is registered, and
 * every minute besides: a transaction that looked the name up before the registration may store its usage just after.
 *
 * @returns how many rows of usage found their project.
 */
export async function attributeUsage(pool: Pool, partitions: MonthPartitions): Promise<number> {
  const months = await attributableMonths(pool);
  await partitions.ensure(pool, months);
  return inTransaction(pool, async (transaction) => {
    await lockMonthsShared(transaction, months);
    const rows =
      months.length === 0 ? [] : await takeAttributableUsage(transaction, months.map(toTimestamp));
    await attributeEvents(transaction);
    await addUsage(
      transaction,
      rows.filter(({ deviceId }) => deviceId === null),
    );
    await addDeviceUsage(
      transaction,
      sumByDay(
        rows.flatMap(({ deviceId, ...row }) => (deviceId === null ? [] : [{ ...row, deviceId }])),
      ),
    );
    return rows.length;
  });
}

type DeviceRow = Parameters<typeof addDeviceUsage>[1][number];

/** One row per device, meter and day: an upsert cannot touch a row twice. */
function sumByDay(
  rows: readonly (Omit<DeviceRow, 'day'> & { readonly hour: string })[],
): readonly DeviceRow[] {
  const sums = new Map<string, DeviceRow>();
  for (const { hour, ...row } of rows) {
    const day = toTimestamp(dayStart(Date.parse(hour)));
    const key = `${row.deviceId} ${row.meterId} ${day}`;
    const found = sums.get(key);
    sums.set(key, {
      ...row,
      day,
      sum: found === undefined ? row.sum : addDecimals(found.sum, row.sum),
      count: row.count + (found?.count ?? 0),
    });
  }
  return [...sums.values()];
}
