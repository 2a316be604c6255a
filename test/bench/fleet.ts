import type pg from 'pg';

/** The organization of all benchmarks. */
export const ORGANIZATION = 'bench';

/** Projects are named p00000, p00001, …; each has one device, d. */
export function projectSlug(index: number): string {
  return `p${String(index).padStart(5, '0')}`;
}

/** Registers the fleet: what is measured is counting, not discovery, which is capped per hour. */
export async function registerFleet(db: pg.Client, projects: number): Promise<void> {
  await db.query('insert into organizations (slug) values ($1)', [ORGANIZATION]);
  await db.query(
    `insert into projects (organization_id, slug)
     select o.id, 'p' || lpad(n::text, 5, '0') from organizations o, generate_series(0, $1::int - 1) as n`,
    [projects],
  );
  await db.query(`insert into devices (project_id, slug) select id, 'd' from projects`);
  await db.query('analyze');
}
