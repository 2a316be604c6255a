import { hash, randomBytes } from 'node:crypto';
import { createApiKey } from '@odometer/database/api-keys';
import type pg from 'pg';

/** A thousand organizations of a hundred projects each. */
const PROJECTS_AN_ORGANIZATION = 100;
const MONTHS = 3;
const FIRST_METER = 5;
const METERS = 10;

/** Fills the registry and three months of usage, with a plan that limits a meter for every project. @returns a key. */
export async function fillProjects(db: pg.Client, projects: number): Promise<string> {
  await db.query(
    `insert into organizations (slug, created_at) select 'org-' || g, now() - interval '1 year'
     from generate_series(0, ($1::integer - 1) / $2::integer) g order by g`,
    [projects, PROJECTS_AN_ORGANIZATION],
  );
  await db.query(
    `insert into projects (organization_id, slug, created_at)
     select 1 + (g - 1) / $2::integer, 'project-' || g, now() - interval '1 year'
     from generate_series(1, $1::integer) g order by g`,
    [projects, PROJECTS_AN_ORGANIZATION],
  );
  await db.query(
    'insert into devices (project_id, slug, last_seen_at) select id, $1, now() from projects',
    ['d'],
  );
  await db.query(
    `insert into usage_monthly
       (project_id, meter_id, month, organization_id, sum, count, min, max, last, last_at)
     select p.id, m, date_trunc('month', now() - back * interval '1 month', 'UTC'), p.organization_id, 1000 + m, 10, 1, 900, 5, now()
     from projects p cross join generate_series($1::integer, $1 + $2::integer - 1) m cross join generate_series(0, $3::integer - 1) back`,
    [FIRST_METER, METERS, MONTHS],
  );
  await db.query(
    `with plan as (
       insert into plans (slug, version, currency, valid_from) values ('pro', 1, 'EUR', now() - interval '1 year') returning id
     ), limits as (
       insert into plan_limits (plan_id, resource, scope, included, hard)
       select id, 'api_calls', 'project', 1000000, true from plan
     )
     insert into organization_plans (organization_id, since, plan) select id, created_at, 'pro' from organizations`,
  );
  await db.query('vacuum analyze');
  const secret = randomBytes(32).toString('base64url');
  await createApiKey(db, {
    name: 'bench',
    hash: hash('sha256', secret),
    organization: null,
    scopes: ['read'],
  });
  return secret;
}

/** The names of a project that fillProjects has made. @param number from 1. */
export function projectNames(number: number): {
  readonly organization: string;
  readonly project: string;
} {
  const organization = Math.floor((number - 1) / PROJECTS_AN_ORGANIZATION);
  return { organization: `org-${organization}`, project: `project-${number}` };
}
