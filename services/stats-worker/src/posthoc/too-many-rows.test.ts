import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ask } from '../../test/ask-posthoc.ts';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';

jest.setTimeout(120_000);

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
  posthoc.write('alb/2026/08/15/a.log.gz', [albLine('10:00:00', 'web')]);
  await posthoc.pool.query(
    `with o as (insert into organizations (slug) values ('acme') returning id)
     insert into projects (organization_id, slug, created_at)
     select id, slug, now() - interval '2 minutes' from o, unnest(array['web', 'gone']) slug`,
  );
});
afterEach(() => posthoc.close());

test('clients that ask for 220,000 paths keep nobody’s usage from being counted; what was counted before of projects that nobody has registered stays', async () => {
  const few = `select 'web' as project, 3 as value from logs where :start < :end
    union all select 'unknown', 5 from logs where :start < :end`;
  const declare = (sql: string) =>
    posthoc.declare('2026-08-15T10:20:00Z', { maxFallPercent: 100, sql });
  await declare(`${few} union all select 'gone', 7 from logs where :start < :end`);
  await posthoc.ring('2026-08-15T12:00:00Z');
  // It was discovered a moment ago, when its usage was counted: by whom, before the query or after, is no matter.
  expect((await posthoc.pool.query(`select from projects where slug = 'unknown'`)).rowCount).toBe(
    1,
  );

  await declare(`select 'x' || range as project, 1 as value from range(220000), logs where :start < :end
    union all ${few.replace('3', '4')}`);
  await ask(posthoc.pool, 'alb', '2026-08-15T10:00:00Z');
  await posthoc.ring('2026-08-15T12:00:00Z');
  expect(
    (await posthoc.runs()).map(({ state, total, difference }) => [state, total, difference]),
  ).toEqual([
    ['done', '9', '-6'],
    ['done', '15', '15'],
  ]);
  const { rows } = await posthoc.pool.query(
    `select subject, sum((data ->> 'value')::numeric)::int as calls from events group by 1 order by 1`,
  );
  expect(rows).toEqual([
    { subject: 'acme/gone', calls: 0 },
    { subject: 'acme/unknown', calls: 5 },
    { subject: 'acme/web', calls: 4 },
  ]);
  expect(posthoc.parts.counts.unnamedRows).toBe(220_001);
  expect((await posthoc.runs())[0]?.detail).toBe(
    'The answer has too many rows: 220001 of projects that nobody has registered, or that can be none, are left out.',
  );
  expect(posthoc.lines).toContainEqual(
    expect.objectContaining({ event: 'posthoc_lines_lost', unnamed: '220001' }),
  );
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
