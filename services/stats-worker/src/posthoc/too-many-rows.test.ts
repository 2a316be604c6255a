import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';

jest.setTimeout(120_000);

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
  posthoc.write('alb/2026/08/15/a.log.gz', [albLine('10:00:00', 'web')]);
  await posthoc.pool.query(
    `with o as (insert into organizations (slug) values ('acme') returning id)
     insert into projects (organization_id, slug) select id, 'web' from o`,
  );
});
afterEach(() => posthoc.close());

test('clients that ask for 220,000 paths keep nobody’s usage from being counted', async () => {
  await posthoc.declare('2026-08-15T10:20:00Z', {
    sql: `select 'x' || range as project, 1 as value from range(220000), logs where :start < :end
      union all select 'web', count(*) from logs where :start < :end`,
  });
  await posthoc.ring('2026-08-15T12:00:00Z');
  const { rows } = await posthoc.pool.query(
    'select subject, count(*)::int as n from events group by 1',
  );
  expect(rows).toEqual([{ subject: 'acme/web', n: 1 }]);
  expect(posthoc.parts.counts.unnamedRows).toBe(220_000);
  expect(posthoc.lines).toContainEqual(
    expect.objectContaining({ event: 'posthoc_lines_lost', unnamed: '220000' }),
  );
});

test('what was counted of projects that nobody has registered stays, when a later answer has too many to have them', async () => {
  await posthoc.pool.query(
    `insert into projects (organization_id, slug) select id, 'gone' from organizations`,
  );
  const few = `select 'web' as project, 3 as value from logs where :start < :end
    union all select 'unknown', 5 from logs where :start < :end`;
  await posthoc.declare('2026-08-15T10:20:00Z', {
    maxFallPercent: 100,
    sql: `${few} union all select 'gone', 7 from logs where :start < :end`,
  });
  await posthoc.ring('2026-08-15T12:00:00Z');
  // As where projects are not discovered, or not that many.
  await posthoc.pool.query(`delete from projects where slug = 'unknown'`);
  await posthoc.declare('2026-08-15T10:20:00Z', {
    maxFallPercent: 100,
    sql: `select 'x' || range as project, 1 as value from range(220000), logs where :start < :end
      union all ${few}`,
  });
  await posthoc.ring('2026-08-15T17:00:00Z');
  expect(
    (await posthoc.runs())
      .filter(({ windowStart }) => windowStart.toISOString().includes('T10:'))
      .map(({ revision, state, total, difference }) => [revision, state, total, difference]),
  ).toEqual([
    [2, 'done', '8', '-7'],
    [1, 'done', '15', '15'],
  ]);
});

test('nor do 220,000 routes of one project, nor paths of 8,000 characters', async () => {
  await posthoc.declare('2026-08-15T10:20:00Z', {
    columns: { dimensions: ['route'] },
    sql: `select 'web' as project, range || repeat('y', if(range < 20000, 8000, 8)) as route, 1 as value
      from range(220000), logs where :start < :end`,
  });
  const before = process.memoryUsage().rss;
  await posthoc.ring('2026-08-15T12:00:00Z');
  expect(process.memoryUsage().rss - before).toBeLessThan(800_000_000);
  const { rows } = await posthoc.pool.query(
    `select project, dimensions, value::text from posthoc_answers`,
  );
  expect(rows).toEqual([{ project: 'web', dimensions: { route: '(others)' }, value: '220000' }]);
});
