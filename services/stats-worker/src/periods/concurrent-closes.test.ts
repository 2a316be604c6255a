import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { finishableOrganizations } from '@odometer/database/periods/manifest';
import { verifyMonth } from '@odometer/database/periods/verify';
import { event, openAppliers, Producer } from '../../test/applier-fixture.ts';
import { closeDueMonths } from './close-due-months.ts';

const MONTHS = ['2026-06', '2026-07', '2026-08', '2026-09'];
const ORGANIZATIONS = 8;
const PROJECTS = 3;
const signal = new AbortController().signal;
let system: Awaited<ReturnType<typeof openAppliers>>;

/** Every project has used 3 in every month. */
beforeEach(async () => {
  system = await openAppliers({}, () => Date.parse('2026-10-01T12:00:00Z'));
  await system.pool.query(
    `insert into organizations (slug, created_at) select 'org-' || g, '2026-06-01' from generate_series(1, $1::integer) g`,
    [ORGANIZATIONS],
  );
  await system.pool.query(
    `insert into projects (organization_id, slug, created_at)
     select id, 'p' || g, '2026-06-01' from organizations cross join generate_series(1, $1::integer) g`,
    [PROJECTS],
  );
  const producer = await new Producer(system.pool, 'events').open();
  for (let organization = 1; organization <= ORGANIZATIONS; organization += 1) {
    await system.events.apply([
      producer.events(
        ...MONTHS.flatMap((month) =>
          Array.from({ length: PROJECTS }, (_, i) =>
            event({
              organization: `org-${organization}`,
              project: `p${i + 1}`,
              subject: `org-${organization}/p${i + 1}`,
              time: `${month}-15T10:00:00Z`,
              data: { value: 3 },
            }),
          ),
        ),
      ),
    ]);
  }
});
afterEach(() => system.close());

const close = (atMs: number, graceMs: number) =>
  closeDueMonths({ pool: system.pool, usageQueues: [], graceMs }, atMs, signal);

async function expectAllClosed(): Promise<void> {
  const { rows } = await system.pool.query(
    `select state, manifest #>> '{projects,rows}' as projects, count(*)::int as periods,
       bool_and(closing_act < final_act) as "inOrder"
     from periods group by 1, 2`,
  );
  expect(rows).toEqual([
    {
      state: 'final',
      projects: String(PROJECTS),
      periods: ORGANIZATIONS * MONTHS.length,
      inOrder: true,
    },
  ]);
  const lifetimes = await system.pool.query(
    `select to_char(month at time zone 'UTC', 'YYYY-MM') as month, array_agg(distinct lifetime::text) as lifetimes
     from usage_monthly group by 1 order by 1`,
  );
  expect(lifetimes.rows).toEqual(
    MONTHS.map((month, i) => ({ month, lifetimes: [String(3 * (i + 1))] })),
  );
  for (const month of MONTHS) {
    const { differences } = await verifyMonth(system.pool, Date.parse(`${month}-01T00:00:00Z`));
    expect(differences).toEqual([]);
  }
}

test('many that close at once, by clocks that differ, give what one would have given', async () => {
  const atMs = Date.parse('2026-10-02T00:00:00Z');
  await Promise.all([0, 90_000, -90_000, 1].map((skewMs) => close(atMs + skewMs, 0)));
  await expectAllClosed();
});

test('an organization that begins to close in the middle of another’s close is closed as well, or not at all', async () => {
  const atMs = Date.parse('2026-10-02T00:00:00Z');
  const never = 365 * 86_400_000;
  await close(atMs, never);
  for (let organization = 1; organization <= ORGANIZATIONS; organization += 1) {
    const closes = [close(atMs, never), close(atMs, never)];
    await system.pool.query(
      `update periods set forced_by = 'ops', forced_reason = 'now'
       where state = 'draft' and organization_id = $1`,
      [organization],
    );
    await Promise.all([...closes, close(atMs, never)]);
  }
  await close(atMs, never);
  await expectAllClosed();
});

test('nothing is final before all of its projects are', async () => {
  const atMs = Date.parse('2026-07-02T00:00:00Z');
  await close(atMs, 365 * 86_400_000);
  const june = Date.parse('2026-06-01T00:00:00Z');
  await system.pool.query(
    `update periods set state = 'closing', closing_at = now(), closing_act = nextval('period_acts')
     where month = '2026-06-01Z' and organization_id = 1`,
  );
  expect(await finishableOrganizations(system.pool, june, 10)).toEqual([]);
  await close(atMs, 365 * 86_400_000);
  const { rows } = await system.pool.query(
    "select state, manifest #>> '{projects,rows}' as projects from periods where organization_id = 1 and month = '2026-06-01Z'",
  );
  expect(rows).toEqual([{ state: 'final', projects: String(PROJECTS) }]);
});
