import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AwsClients } from '@odometer/aws/aws-clients';
import { startTestObjectStore } from '@odometer/testing/test-object-store';
import { hourlySums } from '../../test/applier-fixture.ts';
import { albLine, DECLARATION, LIMITS, openPosthoc, REQUESTS } from '../../test/posthoc-fixture.ts';
import { createDuckDbEngine } from './engines/duckdb/duckdb-engine.ts';

/** What happens to logs, from the files to what is counted. */

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
});
afterEach(() => posthoc.close());

const DAY = 'alb/2026/08/15';
const at = (time: string) => `2026-08-15T${time}:00Z`;
const web = async () => (await hourlySums(posthoc.pool))['acme/web api_calls'];
const dimensions = async () =>
  (
    await posthoc.pool.query(
      `select data - 'value' as data, sum((data ->> 'value')::numeric)::text as value from events
       where time = $1 group by 1 order by 1`,
      [at('10:00')],
    )
  ).rows;
const runOf = async (revision: number, window = '10:00') =>
  (await posthoc.runs()).find(
    (run) =>
      run.revision === revision &&
      run.windowStart.toISOString() === new Date(at(window)).toISOString(),
  );

test('late files: what comes between two revisions is counted by the second', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  await posthoc.ring(at('12:00'));
  expect(await web()).toBe('1');
  posthoc.write(`${DAY}/late.log.gz`, [albLine('10:59:59', 'web'), albLine('10:30:00', 'web')]);
  await posthoc.ring(at('12:10'));
  expect(await web()).toBe('1');
  await posthoc.ring(at('17:00'));
  expect(await web()).toBe('3');
  expect(await runOf(2)).toMatchObject({ state: 'done', total: '3', difference: '2' });
});

test('duplicate files: lines that are delivered twice count once, when the query takes each once', async () => {
  await posthoc.declare(at('10:20'), {
    sql: REQUESTS.replace('from logs', 'from (select distinct * from logs)'),
  });
  const lines = [albLine('10:00:00', 'web'), albLine('10:00:01', 'web')];
  posthoc.write(`${DAY}/a.log.gz`, lines);
  await posthoc.ring(at('12:00'));
  posthoc.write(`${DAY}/again.log.gz`, lines);
  posthoc.write(`${DAY}/part.log`, lines.slice(1));
  await posthoc.ring(at('17:00'));
  expect(await web()).toBe('2');
  expect(await runOf(2)).toMatchObject({ state: 'done', difference: '0' });
});

test('a request at 23:59:59.9 that is delivered the next day is of its own hour, and of no other', async () => {
  await posthoc.declare('2026-08-15T23:10:00Z', { revisions: ['1h'] });
  posthoc.write('alb/2026/08/16/a.log.gz', [
    albLine('2026-08-15T23:59:59.900000Z', 'web'),
    albLine('2026-08-16T00:00:00.000000Z', 'web'),
  ]);
  await posthoc.ring('2026-08-16T02:00:00Z');
  const { rows } = await posthoc.pool.query(
    `select to_char(time at time zone 'UTC', 'DD HH24:MI') as time, data ->> 'value' as value from events order by 1`,
  );
  expect(rows).toEqual([
    { time: '15 23:00', value: '1' },
    { time: '16 00:00', value: '1' },
  ]);
});

test('revisions up and down: the total is that of the last answer, each time', async () => {
  await posthoc.declare(at('10:20'), { revisions: ['1h', '2h', '3h', '4h'], maxFallPercent: 100 });
  for (const [revision, lines] of [5, 9, 2, 7].entries()) {
    posthoc.write(
      `${DAY}/a.log.gz`,
      Array.from({ length: lines }, (_, i) => albLine(`10:00:0${i}`, 'web')),
    );
    await posthoc.ring(at(`${12 + revision}:00`));
    expect(await web()).toBe(String(lines));
  }
  const differences = await Promise.all([1, 2, 3, 4].map((n) => runOf(n)));
  expect(differences.map((run) => run?.difference)).toEqual(['5', '4', '-7', '5']);
});

test('empty results: a window without rows ships nothing, and is done; what comes later is counted', async () => {
  await posthoc.declare(at('10:20'));
  await posthoc.ring(at('12:00'));
  expect(await runOf(1)).toMatchObject({ state: 'done', total: '0', events: '0' });
  posthoc.write(`${DAY}/a.log.gz`, [albLine('12:00:00', 'web')]);
  await posthoc.ring(at('13:00'));
  expect(await web()).toBeUndefined();
  posthoc.write(`${DAY}/b.log.gz`, [albLine('10:00:00', 'web')]);
  await posthoc.ring(at('17:00'));
  expect(await runOf(2)).toMatchObject({ state: 'done', total: '1', difference: '1' });
});

test.each([0, 1, 999, 1_000, 2_500])('a result set of %i rows is %i events', async (count) => {
  await posthoc.declare(at('10:20'), {
    sql: `select 'web' as project, split_part(request, '/', 4) as route, count(*) as value from logs
      where cast(time as timestamp) >= :start and cast(time as timestamp) < :end group by 1, 2`,
    columns: { project: 'project', value: 'value', dimensions: ['route'] },
  });
  posthoc.write(
    `${DAY}/a.log.gz`,
    Array.from({ length: count }, (_, i) => albLine('10:00:00', `route-${i}`)),
  );
  await posthoc.ring(at('12:00'));
  const run = await runOf(1);
  expect(run).toMatchObject({ state: 'done', total: String(count), events: String(count) });
  expect(await dimensions()).toHaveLength(count);
  expect(await web()).toBe(count === 0 ? undefined : String(count));
});

describe('values that clients choose', () => {
  const json = {
    type: 'directory',
    path: 'a.json',
    format: { type: 'json', columns: ['project', 'agent'] },
  };
  const sql = `select project, agent, count(*) as value from logs where :start < :end group by 1, 2`;
  const columns = { project: 'project', value: 'value', dimensions: ['agent'] };
  const ring = async (rows: readonly object[]) => {
    await posthoc.declare(at('10:20'), { sql, columns, source: json });
    posthoc.write(
      'a.json',
      rows.map((row) => JSON.stringify(row)),
    );
    await posthoc.ring(at('12:00'));
  };

  test('null against empty string: they are two rows, and stay two', async () => {
    const rows = [
      { project: 'web', agent: null },
      { project: 'web', agent: '' },
      { project: 'web' },
    ];
    await ring(rows);
    expect(await dimensions()).toEqual([
      { data: { agent: null }, value: '2' },
      { data: { agent: '' }, value: '1' },
    ]);
    posthoc.write(
      'a.json',
      [...rows, { project: 'web', agent: '' }].map((row) => JSON.stringify(row)),
    );
    await posthoc.ring(at('17:00'));
    expect(await dimensions()).toEqual([
      { data: { agent: null }, value: '2' },
      { data: { agent: '' }, value: '2' },
    ]);
  });

  test('quotes and newlines in values are kept as they are', async () => {
    const agents = [`it's`, '"quoted"', 'two\nlines', 'back\\slash', 'comma, too', '$1 :start ?'];
    await ring(agents.map((agent) => ({ project: 'web', agent })));
    const found = (await dimensions()).map(({ data }) => data.agent);
    expect(found.sort()).toEqual([...agents].sort());
    expect(await web()).toBe('6');
  });

  test('a project id with a quote, or with SQL, is left out and counted, and the others are not', async () => {
    await ring([
      { project: `o'brien` },
      { project: `web'; drop table events; --` },
      { project: '' },
      { project: null },
      { project: 'web' },
    ]);
    expect(await hourlySums(posthoc.pool)).toEqual({ 'acme/web api_calls': '1' });
    expect(posthoc.lines).toContainEqual(
      expect.objectContaining({ event: 'posthoc_lines_lost', unnamed: '4' }),
    );
    expect(await runOf(1)).toMatchObject({ state: 'done', total: '1' });
  });
});

test('a data row that looks like the header is a row like any other', async () => {
  const header = 'project,value';
  await posthoc.declare(at('10:20'), {
    sql: `select project, count(*) as value from logs where :start < :end group by 1`,
    source: {
      type: 'directory',
      path: 'a.csv',
      format: { type: 'delimited', header: true, columns: ['project', 'value'] },
    },
  });
  posthoc.write('a.csv', [header, header, 'web,1', header]);
  await posthoc.ring(at('12:00'));
  expect(await hourlySums(posthoc.pool)).toEqual({
    'acme/project api_calls': '2',
    'acme/web api_calls': '1',
  });
});

test('late objects of a bucket: what comes between two revisions is counted by the second', async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  const store = await startTestObjectStore();
  const aws = new AwsClients();
  try {
    await store.createBucket('logs');
    const put = async (name: string, lines: readonly string[]) => {
      const url = `${store.url}/logs/${DAY}/${name}`;
      const answer = await fetch(url, { method: 'PUT', body: `${lines.join('\n')}\n` });
      expect(answer.ok).toBe(true);
    };
    const { path, format } = DECLARATION.source;
    const place = { bucket: 'logs', endpoint: store.url, forcePathStyle: true, path, format };
    await posthoc.declare(at('10:20'), { source: { type: 's3', ...place } });
    const fetchParts = { aws, maxBytes: 1_000_000 };
    const duckdb = createDuckDbEngine({ directory: undefined, limits: LIMITS, fetch: fetchParts });
    const engines = { ...posthoc.parts.engines, duckdb };
    await put('a.log', [albLine('10:00:00', 'web')]);
    await posthoc.ring(at('12:00'), { engines });
    expect(await web()).toBe('1');
    await put('b.log', [albLine('10:00:01', 'web'), albLine('11:00:00', 'web')]);
    await posthoc.ring(at('17:00'), { engines });
    expect(await runOf(2)).toMatchObject({ state: 'done', total: '2', difference: '1' });
  } finally {
    await aws.stop();
    await store.stop();
  }
});

test('logs that are gone are held, and counted again when they are back', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  await posthoc.ring(at('12:00'));
  rmSync(join(posthoc.directory, DAY, 'a.log.gz'));
  await posthoc.ring(at('17:00'));
  expect(await runOf(2)).toMatchObject({ state: 'held' });
  expect(await web()).toBe('1');
});
