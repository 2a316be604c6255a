/**
 * SQL for the hash of a row, 64 bits. The sum of them says whether a set of rows is the same whatever their order: changing,
 * adding or taking away a row changes it. Postgres' own hash of records: it takes 1 and 1.0 for the same number, as they
 * are, and is a fifth of the cost of hashing a row's text. It is linear in its columns' hashes, so that two rows that have
 * exchanged a value would have the same sum; hashed once more, they have not.
 */

/** Of a row of usage_hourly, within its project and meter: it is summed up by them. */
export function hourHash(row: string): string {
  return hash(row, ['hour', 'organization_id', ...FIGURES]);
}

/** Of a row of usage_daily, within its project and meter. */
export function dayHash(row: string): string {
  return hash(row, ['day', 'organization_id', ...FIGURES]);
}

/** Of the summed hash of a project's days of one meter, when the project has no month of it. */
export function otherDaysHash(row: string): string {
  return hash(row, ['meter_id', 'hash']);
}

/** Of a frozen row of usage_monthly. */
export function monthHash(row: string): string {
  return hash(row, [
    'project_id',
    'meter_id',
    'month',
    'organization_id',
    ...FIGURES,
    'average',
    'lifetime',
    'hours',
    'hours_hash',
    'days_hash',
  ]);
}

/** Of a frozen row of project_months. */
export function projectMonthHash(row: string): string {
  return hash(row, [
    'project_id',
    'month',
    'organization_id',
    'tier',
    'exceeded_limits',
    'charges',
    'overage_charge',
    'currency',
    'usage_hash',
    'adjustments_hash',
    'other_days_hash',
  ]);
}

/** Of an adjustment. */
export function adjustmentHash(row: string): string {
  return hash(row, ['id', 'project_id', 'meter_id', 'hour', 'billed_month', ...FIGURES]);
}

const FIGURES = ['sum', 'count', 'min', 'max', 'last', 'last_at'] as const;

function hash(row: string, columns: readonly string[]): string {
  const list = columns.map((column) => `${row}.${column}`).join(', ');
  return `hashint8extended(hash_record_extended(row(${list}), 0), 0)`;
}
