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

test('clients that ask for 300,000 paths keep nobody’s usage from being counted', async () => {
  await posthoc.declare('2026-08-15T10:20:00Z', {
    sql: `select 'x' || range as project, 1 as value from range(300000), logs where :start < :end
      union all select 'web', count(*) from logs where :start < :end`,
  });
  await posthoc.ring('2026-08-15T12:00:00Z');
  const { rows } = await posthoc.pool.query(
    'select subject, count(*)::int as n from events group by 1',
  );
  expect(rows).toEqual([{ subject: 'acme/web', n: 1 }]);
  expect(posthoc.parts.counts.unnamedRows).toBe(300_000);
  expect(posthoc.lines).toContainEqual(
    expect.objectContaining({ event: 'posthoc_lines_lost', unnamed: '300000' }),
  );
});

test('nor do 300,000 routes of one project, nor paths of 8,000 characters', async () => {
  await posthoc.declare('2026-08-15T10:20:00Z', {
    columns: { dimensions: ['route'] },
    sql: `select 'web' as project, range || repeat('y', if(range < 20000, 8000, 8)) as route, 1 as value
      from range(300000), logs where :start < :end`,
  });
  const before = process.memoryUsage().rss;
  await posthoc.ring('2026-08-15T12:00:00Z');
  expect(process.memoryUsage().rss - before).toBeLessThan(800_000_000);
  const { rows } = await posthoc.pool.query(
    `select project, dimensions, value::text from posthoc_answers`,
  );
  expect(rows).toEqual([{ project: 'web', dimensions: { route: '(others)' }, value: '300000' }]);
});
