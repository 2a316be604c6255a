import { addDeviceUsage } from '@odometer/database/device-usage';
import { insertReadings } from '@odometer/database/periods/gauge-readings';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import {
  type AttributableUsage,
  attributableMonths,
  attributableOrganizations,
  attributeEvents,
  takeAttributableUsage,
} from '@odometer/database/unattributed-usage';
import { addDecimals } from '@odometer/domain/decimal';
import { dayStart, toTimestamp } from '@odometer/domain/period';
import type { MonthPartitions } from './month-partitions.ts';
import type { PeriodUsage, UsageWriter } from './periods/usage-writer.ts';

/** Rows of kept usage a transaction moves: some hundred milliseconds, and little memory however much was kept. */
const ROWS_A_TRANSACTION = 5_000;

/**
 * Applies the usage that was kept because its name was not registered, once it is. Runs when a project is registered, and
 * every minute besides: a transaction that looked the name up before the registration may store its usage just after.
 * Each organization is on its own: what one of them sent can stop nobody else's.
 *
 * @returns how many rows of usage found their project.
 * @throws the failure of an organization, or an AggregateError, after all others are done.
 */
export async function attributeUsage(
  pool: Pool,
  partitions: MonthPartitions,
  usage: UsageWriter,
): Promise<number> {
  const failures: unknown[] = [];
  let attributed = 0;
  for (const organization of await attributableOrganizations(pool)) {
    try {
      for (let moved = ROWS_A_TRANSACTION; moved === ROWS_A_TRANSACTION; ) {
        moved = await attributeSome(pool, partitions, usage, organization);
        attributed += moved;
      }
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1) {
    throw new AggregateError(failures, `${failures.length} organizations' usage failed`);
  }
  if (failures.length === 1) throw failures[0];
  return attributed;
}

async function attributeSome(
  pool: Pool,
  partitions: MonthPartitions,
  usage: UsageWriter,
  organization: string,
): Promise<number> {
  const months = await attributableMonths(pool, organization);
  await partitions.ensure(pool, months);
  const { moved, remember } = await inTransaction(pool, async (transaction) => {
    const periods = await usage.begin(transaction, months);
    const rows = await takeAttributableUsage(
      transaction,
      organization,
      months.map(toTimestamp),
      ROWS_A_TRANSACTION,
    );
    await attributeEvents(transaction, organization);
    await keepReadings(transaction, periods, rows);
    const remember = await periods.add(rows.filter(({ deviceId }) => deviceId === null));
    await addDeviceUsage(
      transaction,
      sumByDay(
        rows.flatMap(({ deviceId, ...row }) => (deviceId === null ? [] : [{ ...row, deviceId }])),
      ),
    );
    return { moved: rows.length, remember };
  });
  remember();
  return moved;
}

/** The last reading of each hour is what is left of those that came before the name was registered; averages are made of it. */
async function keepReadings(
  transaction: Transaction,
  periods: PeriodUsage,
  rows: readonly AttributableUsage[],
): Promise<void> {
  const readings = rows.filter(({ isReading }) => isReading);
  if (readings.length === 0) return;
  const late = new Set(await periods.late(readings));
  await insertReadings(
    transaction,
    readings.flatMap((row) => {
      const { last, lastAt, ...reading } = row;
      if (last === null || lastAt === null) return [];
      return [{ ...reading, at: lastAt, value: last, late: late.has(row) }];
    }),
  );
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
