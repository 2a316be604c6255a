import { OdometerError } from '@odometer/domain/errors';
import { toTimestamp } from '@odometer/domain/period';
import type { Queryable, Transaction } from '../pool.ts';
import { usersBefore } from './plan-in-force.ts';

export interface OrganizationTerms {
  /** Slug of the plan it was given last; null: none. */
  readonly plan: string | null;
  readonly users: number;
}

/** The plan an organization has now and how many users; undefined when it is unknown. */
export async function findOrganizationTerms(
  db: Queryable,
  slug: string,
): Promise<OrganizationTerms | undefined> {
  const { rows } = await db.query<{ plan: string | null; users: string }>(
    `select (
       select a.plan from organization_plans a where a.organization_id = o.id order by a.since desc limit 1
     ) as plan, ${usersBefore('o.id', "< 'infinity'")} as users
     from organizations o where o.slug = $1`,
    [slug],
  );
  const [terms] = rows;
  return terms && { plan: terms.plan, users: Number(terms.users) };
}

/**
 * Gives an organization a plan from now on, or none. Past months keep the plan they ended with.
 *
 * @returns what it had before.
 * @throws OdometerError `organization_not_found`, `plan_not_found`.
 */
export async function assignPlan(
  transaction: Transaction,
  organization: string,
  plan: string | null,
  nowMs: number,
): Promise<string | null> {
  const { id, terms } = await lockTerms(transaction, organization);
  if (terms.plan === plan) return plan;
  if (plan !== null) {
    const { rowCount } = await transaction.query('select from plans where slug = $1 limit 1', [
      plan,
    ]);
    if (rowCount === 0) throw new OdometerError('plan_not_found', { plan });
  }
  await transaction.query(
    // Never before what was assigned last, whatever the clock says: the last word counts.
    `insert into organization_plans (organization_id, since, plan)
     select $1, greatest($2::timestamptz, max(since)), $3 from organization_plans where organization_id = $1
     on conflict (organization_id, since) do update set plan = excluded.plan`,
    [id, toTimestamp(nowMs), plan],
  );
  return terms.plan;
}

/**
 * Takes note of how many users an organization has from now on.
 *
 * @returns how many it had before.
 * @throws OdometerError `organization_not_found`.
 */
export async function setUsers(
  transaction: Transaction,
  organization: string,
  users: number,
  nowMs: number,
): Promise<number> {
  const { id, terms } = await lockTerms(transaction, organization);
  if (terms.users === users) return users;
  await transaction.query(
    `insert into organization_users (organization_id, since, users)
     select $1, greatest($2::timestamptz, max(since)), $3 from organization_users where organization_id = $1
     on conflict (organization_id, since) do update set users = excluded.users`,
    [id, toTimestamp(nowMs), users],
  );
  return terms.users;
}

/** Of two that change an organization's terms at once the second waits, and then reads what the first has written. */
async function lockTerms(
  transaction: Transaction,
  organization: string,
): Promise<{ readonly id: string; readonly terms: OrganizationTerms }> {
  const { rows } = await transaction.query<{ id: string }>(
    'select id from organizations where slug = $1 for no key update',
    [organization],
  );
  const [row] = rows;
  const terms = row && (await findOrganizationTerms(transaction, organization));
  if (row === undefined || terms === undefined) {
    throw new OdometerError('organization_not_found', { organization });
  }
  return { id: row.id, terms };
}
