import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readLimits } from '@odometer/database/limits/read-limits';
import { createPool, type Pool } from '@odometer/database/pool';
import { formatQuantity } from '@odometer/domain/decimal';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import pg from 'pg';
import { NAMES, type PanelModel, panelsOf, readDashboard } from './sources.ts';

/** Types of Postgres that Grafana draws as numbers. */
const NUMBERS = [pg.types.builtins.INT4, pg.types.builtins.INT8, pg.types.builtins.NUMERIC];

const ROLE = 'odometer_dashboards';
const acme = { organization: '1', project: '1' };

let database: TestDatabase;
let pool: Pool;
/** A session of the role that docs/dashboards.md makes for Grafana. */
let reader: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 2 }, () => {});
  await pool.query(readFileSync(new URL('usage.sql', import.meta.url), 'utf8'));
  await pool.query(roleStatements());
  reader = new pg.Client({ connectionString: database.url });
  await reader.connect();
  await reader.query(`set role ${ROLE}`);
});
afterAll(async () => {
  await reader?.end();
  // Roles outlive the database that they may read.
  await pool?.query(`drop owned by ${ROLE}; drop role ${ROLE}`);
  await pool?.end();
  await database?.drop();
});

/** The statements that docs/dashboards.md tells the reader to run. */
function roleStatements(): string {
  const page = readFileSync(new URL('../../docs/dashboards.md', import.meta.url), 'utf8');
  const [, statements = ''] = /```sql\n(.*?)```/s.exec(page) ?? [];
  expect(statements).toContain(`create role ${ROLE}`);
  return statements;
}

/** The statement that Grafana sends, for the last thirty days. */
function asSent(rawSql: string, { organization, project } = acme): string {
  const from = new Date(Date.now() - 30 * 86_400_000).toISOString();
  const to = new Date().toISOString();
  return rawSql
    .replaceAll('$__timeFrom()', `'${from}'`)
    .replaceAll('$__timeTo()', `'${to}'`)
    .replace(/\$__timeFilter\(([^)]*)\)/g, `$1 between '${from}' and '${to}'`)
    .replaceAll('$organization', organization)
    .replaceAll('$project', project);
}

const panels = NAMES.flatMap((name) =>
  panelsOf(readDashboard(name)).flatMap((panel) =>
    (panel.targets ?? []).flatMap(({ rawSql, format = '' }) =>
      rawSql === undefined ? [] : [{ title: panel.title, panel, rawSql, format }],
    ),
  ),
);

const isNumber = ({ dataTypeID }: pg.FieldDef) => NUMBERS.includes(dataTypeID);

/** What each type of panel needs to draw something. */
function expectDrawable({ type }: PanelModel, format: string, { rows, fields }: pg.QueryResult) {
  const [first, ...others] = fields;
  if (type === 'stat') {
    expect(rows).toHaveLength(1);
    expect(fields.filter((field) => !isNumber(field))).toEqual([]);
  }
  if (type === 'timeseries') {
    expect(format).toBe('time_series');
    expect(first).toMatchObject({ name: 'time', dataTypeID: pg.types.builtins.TIMESTAMPTZ });
    const figures = others.filter(({ name }) => name !== 'metric');
    expect(figures.filter((field) => !isNumber(field))).toEqual([]);
    const times = rows.map(({ time }) => time.getTime());
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }
  if (type === 'barchart') {
    expect(first).toMatchObject({ dataTypeID: pg.types.builtins.TEXT });
    expect(others.filter((field) => !isNumber(field))).toEqual([]);
  }
}

describe('every statement, as the role that may only read,', () => {
  test.each(panels)(
    '$title: gives rows that its panel can draw',
    async ({ panel, rawSql, format }) => {
      const sent = asSent(rawSql);
      expect(sent).not.toContain('$');
      const result = await reader.query(sent);
      expect(result.rows).not.toHaveLength(0);
      expect(new Set(result.fields.map(({ name }) => name)).size).toBe(result.fields.length);
      expectDrawable(panel, format, result);
      // A unit of a column that is not there would be silently the panel's.
      const names = result.fields.map(({ name }) => name);
      for (const { matcher } of panel.fieldConfig?.overrides ?? []) {
        const pattern = new RegExp(matcher.options);
        expect([matcher.options, names.some((name) => pattern.test(name))]).toEqual([
          matcher.options,
          true,
        ]);
      }
    },
  );

  test.each(panels)('$title: shows nothing of another project', async ({ rawSql }) => {
    const { rows } = await reader.query(asSent(rawSql, { organization: '2', project: '3' }));
    expect(JSON.stringify(rows)).not.toContain('acme');
    // Everything of acme's project is a multiple of 7919; the other one has no usage.
    for (const value of rows.flatMap((row) => Object.values(row))) {
      if (typeof value === 'string' && /^[1-9]\d*$/.test(value))
        expect(Number(value) % 7919).not.toBe(0);
    }
  });
});

test('the variables list organizations, and projects of the chosen one, by name and id', async () => {
  const { list } = readDashboard('project-usage').templating;
  const answers = await Promise.all(
    list
      .filter(({ type }) => type === 'query')
      .map(async ({ query }) => (await reader.query(asSent(String(query)))).rows),
  );
  expect(answers).toEqual([
    [
      { __text: 'acme', __value: '1' },
      { __text: 'other', __value: '2' },
    ],
    [
      { __text: 'app', __value: '2' },
      { __text: 'web', __value: '1' },
    ],
  ]);
});

test('figures are those of the views, to the digit', async () => {
  const sqlOf = (title: string) => panels.find((panel) => panel.title === title)?.rawSql ?? '';
  const {
    rows: [shown],
  } = await reader.query(asSent(sqlOf('MQTT messages of this month')));
  const {
    rows: [stored],
  } = await pool.query('select * from project_stats where project_id = 1');
  expect(stored).toMatchObject(shown);
  expect(Number(shown.mqtt_inbound)).toBeGreaterThan(0);
});

test('limits are those that Odometer itself goes by', async () => {
  const { rawSql = '' } = panels.find(({ title }) => title === 'Limits') ?? {};
  const { rows } = await reader.query(asSent(rawSql));
  const { limits } = await readLimits(pool, { organization: 'acme', project: 'web' }, Date.now());
  expect(
    rows.map(({ resource, scope, used, reserved }) => ({ resource, scope, used, reserved })),
  ).toEqual(
    limits.map(({ resource, scope, used, reserved }) => ({
      resource,
      scope,
      used: formatQuantity(used),
      reserved: formatQuantity(reserved),
    })),
  );
  expect(rows.map(({ resource }) => resource)).toContain('mqtt_inbound');
});

test('the role can read no keys, no events and no declarations, and write nothing', async () => {
  for (const secret of [
    'select * from api_keys',
    'select * from events',
    'select declaration from buckets',
    'select * from audit_log',
  ]) {
    await expect(reader.query(secret)).rejects.toThrow(/permission denied/);
  }
  await expect(reader.query("insert into organizations (slug) values ('x')")).rejects.toThrow(
    /permission denied/,
  );
  await expect(reader.query('create table x ()')).rejects.toThrow(/permission denied/);
  const { rows } = await pool.query(
    `select rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolconfig from pg_roles where rolname = '${ROLE}'`,
  );
  expect(rows).toEqual([
    {
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolcanlogin: true,
      rolconfig: ['default_transaction_read_only=on', 'statement_timeout=30s'],
    },
  ]);
});
