import { finalMonths, verifyMonth } from '@odometer/database/periods/verify';
import type { Pool } from '@odometer/database/pool';

/** Every final month verifies. */
export async function checkVerification(db: Pool): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const month of await finalMonths(db)) {
    const verified = await verifyMonth(db, month);
    differences.push(
      ...verified.differences.map(
        (difference) =>
          `${new Date(month).toISOString().slice(0, 7)} ${JSON.stringify(difference)}`,
      ),
    );
  }
  return differences;
}

/** One row of a final month, edited behind the back of its triggers. `$1` is the row's ctid. */
interface Edit {
  readonly table: string;
  /** The month that has the row, of `f`. */
  readonly month: string;
  readonly set: string;
  readonly undo: string;
  readonly where?: string;
}

const EDITS: readonly Edit[] = [
  {
    table: 'usage_hourly',
    month: `date_trunc('month', f.hour, 'UTC')`,
    set: 'sum = sum + 1',
    undo: 'sum = sum - 1',
  },
  {
    table: 'usage_hourly',
    month: `date_trunc('month', f.hour, 'UTC')`,
    set: "last_at = last_at + interval '1 second'",
    undo: "last_at = last_at - interval '1 second'",
    where: 'f.last_at is not null',
  },
  {
    table: 'usage_daily',
    month: `date_trunc('month', f.day::timestamp) at time zone 'UTC'`,
    set: 'count = count + 1',
    undo: 'count = count - 1',
  },
  {
    table: 'usage_monthly',
    month: 'f.month',
    set: 'sum = sum + 0.000000000001',
    undo: 'sum = sum - 0.000000000001',
  },
  {
    table: 'usage_monthly',
    month: 'f.month',
    set: 'lifetime = lifetime - 1',
    undo: 'lifetime = lifetime + 1',
    where: 'f.lifetime is not null',
  },
  {
    table: 'usage_adjustments',
    month: 'f.billed_month',
    set: 'sum = sum - 1',
    undo: 'sum = sum + 1',
  },
  {
    table: 'project_months',
    month: 'f.month',
    set: 'overage_charge = overage_charge + 1',
    undo: 'overage_charge = overage_charge - 1',
  },
];

/** An edit of one row of a final month is found, and found where it was made. */
export async function checkThatEditsAreFound(db: Pool, seed: number): Promise<readonly string[]> {
  const missed: string[] = [];
  for (const edit of EDITS) {
    const what = `${edit.table}: ${edit.set}`;
    const { rows } = await db.query<{ id: string; project: string; month: Date }>(
      `select f.tableoid::regclass || ' ' || f.ctid as id, p.slug as project, x.month
       from ${edit.table} f join projects p on p.id = f.project_id
       join periods x on x.organization_id = p.organization_id and x.month = ${edit.month} and x.state = 'final'
       where ${edit.where ?? 'true'}
       order by hash_record_extended(row(f.project_id, f.ctid::text), $1) limit 1`,
      [seed],
    );
    const [row] = rows;
    if (row === undefined) {
      missed.push(`${what}: there is no such row`);
      continue;
    }
    const place = await change(db, row.id, edit.set);
    const { differences } = await verifyMonth(db, row.month.getTime());
    if (!differences.some(({ project }) => project === row.project))
      missed.push(`${what}, of ${row.project}: found ${JSON.stringify(differences)}`);
    await change(db, place, edit.undo);
  }
  return [...missed, ...(await checkVerification(db))];
}

/** @param id table and ctid. @returns those of the row as it is now. */
async function change(db: Pool, id: string, set: string): Promise<string> {
  const [table = '', ctid = ''] = id.split(' ');
  const client = await db.connect();
  try {
    await client.query("set session_replication_role = 'replica'");
    const { rows } = await client.query<{ id: string }>(
      `update ${table} f set ${set} where ctid = $1::tid returning f.tableoid::regclass || ' ' || f.ctid as id`,
      [ctid],
    );
    return rows[0]?.id ?? '';
  } finally {
    await client.query('reset session_replication_role');
    client.release();
  }
}
