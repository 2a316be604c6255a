import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import { planSchema } from '@odometer/domain/limits/plan';
import { createTestDatabase } from '@odometer/testing/test-database';
import { assignPlan } from '../src/limits/organization-plan.ts';
import { putPlan } from '../src/limits/plans.ts';
import { createPool, inTransaction, type Pool } from '../src/pool.ts';

/** A moment of November 2026, in which all tests of limits play. */
export const NOW_MS = Date.parse('2026-11-20T12:00:00.000Z');
export const NOVEMBER_MS = Date.parse('2026-11-01T00:00:00.000Z');
export const DECEMBER_MS = Date.parse('2026-12-01T00:00:00.000Z');

export function decimal(value: string | number): Scaled {
  const parsed = parseQuantity(value);
  if (typeof parsed === 'string') throw new RangeError(parsed);
  return parsed;
}

/** A database with acme/web and acme/app, without plan and usage. */
export async function openLimits(maxConnections = 10) {
  const database = await createTestDatabase();
  const pool = createPool({ url: database.url, applicationName: 'test', maxConnections }, () => {});
  await pool.query(`
    insert into organizations (slug, created_at) values ('acme', '2026-01-01Z'), ('other', '2026-01-01Z');
    insert into projects (organization_id, slug, created_at) values (1, 'web', '2026-01-01Z'), (1, 'app', '2026-01-01Z'), (2, 'web', '2026-01-01Z')`);
  return {
    pool,
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

type LimitInput = Readonly<Record<string, unknown>>;

/** Makes the limits those of a plan of acme's, in force since 1 October or an instant. */
export async function limitAcme(
  pool: Pool,
  limits: readonly LimitInput[],
  { slug = 'pro', sinceMs = Date.parse('2026-10-01T00:00:00.000Z') } = {},
): Promise<void> {
  const plan = planSchema.parse({ slug, currency: 'EUR', limits });
  await inTransaction(pool, async (transaction) => {
    await putPlan(transaction, plan, sinceMs);
    await assignPlan(transaction, 'acme', slug, sinceMs);
  });
}

/** Usage of a meter in a month, as appliers and readers leave it: what is given replaces what was there. */
export async function setUsage(
  pool: Pool,
  use: {
    readonly projectId: number;
    readonly meter: string;
    readonly month?: string;
    readonly sum?: string;
    readonly last?: string;
    readonly average?: string;
  },
): Promise<void> {
  const { projectId, meter, month = '2026-11-01Z', sum = '0', last = null, average = null } = use;
  await pool.query(
    `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, last, last_at, average)
     select $1, m.id, $3, p.organization_id, $4, 1, $5, $3, $6
     from meters m, projects p where m.slug = $2 and p.id = $1
     on conflict (project_id, meter_id, month) do update
     set sum = excluded.sum, last = excluded.last, average = excluded.average`,
    [projectId, meter, month, sum, last, average],
  );
}

/** Late usage of October that is billed in November. */
export async function addLateUsage(
  pool: Pool,
  projectId: number,
  meter: string,
  sum: string,
): Promise<void> {
  await pool.query(
    `insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
     select p.organization_id, p.id, m.id, '2026-10-10 10:00Z', '2026-11-01Z', $3, 1
     from meters m, projects p where m.slug = $2 and p.id = $1`,
    [projectId, meter, sum],
  );
}
