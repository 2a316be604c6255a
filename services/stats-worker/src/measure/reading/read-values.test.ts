import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { formatQuantity } from '@odometer/domain/decimal';
import { readingDeclarationSchema } from '@odometer/domain/readings/reading-declaration';
import { openForeignDatabase } from './foreign-database.fixture.ts';
import { readValues } from './read-values.ts';

const URL_NAME = 'ODOMETER_READING_URL_APP';
const signal = new AbortController().signal;
let foreign: Awaited<ReturnType<typeof openForeignDatabase>>;
let url: string;

beforeAll(async () => {
  foreign = await openForeignDatabase();
  await foreign.owner.query(
    `create table sessions (customer text, app text, started_at timestamptz);
     create table secrets (project text, value int)`,
  );
  url = await foreign.role(['select on sessions']);
});
afterAll(() => foreign.close());

const read = async (
  query: string,
  options: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = { [URL_NAME]: url },
  stop = signal,
) => {
  const declaration = readingDeclarationSchema.parse({
    name: 'app',
    meter: 'm',
    mode: 'gauge',
    databaseUrlEnv: URL_NAME,
    query,
    ...options,
  });
  const { values, ...rest } = await readValues(declaration, null, env, stop);
  return {
    ...rest,
    values: values.map(({ organization, project, value }) => [
      `${organization}/${project}`,
      value === null ? null : formatQuantity(value),
    ]),
  };
};

describe('a reading', () => {
  test('says exactly what the database wrote, whatever its size', async () => {
    const { values } = await read(
      `select * from (
         values ('a', 'p', 9007199254740993), ('a', 'q', 0.1), ('b', 'p', null), ('b', 'q', -3),
           ('b', 'r', 123456789012345678901234567890.123456789012)
       ) v (organization, project, value);`,
    );
    expect(values).toEqual([
      ['a/p', '9007199254740993'],
      ['a/q', '0.1'],
      ['b/p', null],
      ['b/q', '-3'],
      ['b/r', '123456789012345678901234567890.123456789012'],
    ]);
  });

  test('without organizations is of the one that is declared', async () => {
    const query = "select 1 as value, 'web' as project -- a comment at the end";
    expect((await read(query)).values).toEqual([['default/web', '1']]);
    expect((await read(query, { organization: 'acme' })).values).toEqual([['acme/web', '1']]);
  });

  test('leaves out what can be no name, and says so', async () => {
    const { values, invalidNames } = await read(
      `select organization, project, 1 as value
       from (values ('a', 'web'), ('a', 'my app'), (null, 'web'), ('a', null), ('a/b', 'c')) v (organization, project)`,
    );
    expect(values).toEqual([['a/web', '1']]);
    expect(invalidNames).toEqual({ rows: 4, examples: ['a/my app', '/web', 'a/', 'a/b/c'] });
  });

  test('brings no more than names can have into our memory, however long its texts are', async () => {
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 5);
    // 60 texts of 10 MB, two columns of each.
    const { values, invalidNames } = await read(
      `select case when g = 0 then 'a' else repeat('x', 10000000) end as organization,
         case when g = 0 then 'web' else repeat('y', 10000000) end as project, 1 as value
       from generate_series(0, 60) g`,
    ).finally(() => clearInterval(watch));
    expect(values).toEqual([['a/web', '1']]);
    expect(invalidNames.rows).toBe(60);
    expect(invalidNames.examples[0]).toBe('x'.repeat(300));
    expect(most - before).toBeLessThan(200_000_000);
  }, 30_000);

  test('says whether its role could write', async () => {
    const query = "select 'p' as project, 1 as value";
    expect((await read(query)).roleMayWrite).toBe(false);
    const writer = await foreign.role(['insert on sessions', 'select on sessions']);
    expect((await read(query, {}, { [URL_NAME]: writer })).roleMayWrite).toBe(true);
  });
});

describe('is refused whole, with a sentence', () => {
  test.each([
    ['a float', "select 'p' as project, 1.5::double precision as value", /cast what it is made of/],
    ['text', "select 'p' as project, '1' as value", /cast it to numeric or bigint/],
    ['NaN', "select 'p' as project, 'NaN'::numeric as value", /of default\/p the value is not/],
    ['infinity', "select 'p' as project, 'Infinity'::numeric as value", /value is not a decimal/],
    ['a huge value', "select 'p' as project, 1e40::numeric as value", /more than 30 digits/],
    [
      'a project twice',
      "select 'p' as project, g as value from generate_series(1, 2) g",
      /two rows/,
    ],
    [
      'a value that never ends',
      "select 'p' as project, ('1.' || repeat('0', 1000))::numeric as value",
      /more than 300 characters/,
    ],
    [
      'another column, before it is read',
      "select 'p' as project, 1 as value, repeat('x', 1000) as x from pg_sleep(5)",
      /a column x/,
    ],
    ['no value', "select 'p' as project", /no column value/],
    ['no project', 'select 1 as value', /no column project/],
    ['another column', "select 'p' as project, 1 as value, 2 as x", /a column x/],
    ['a column twice', "select 'p' as project, 1 as value, 2 as value", /twice/],
    [
      'too many rows',
      'select g as project, 1 as value from generate_series(1, 200001) g',
      /200000/,
    ],
    ['what is no SQL', 'selekt 1', /syntax error/],
    ['a table that is not there', 'select * from nothing', /does not exist/],
    ['a division by zero', "select 'p' as project, 1 / 0 as value", /division by zero/],
    [
      'a write',
      "with w as (delete from sessions returning 1) select 'p' as project, 1 as value",
      /WITH/,
    ],
    [
      'a write by a function',
      `select 'p' as project, 1 as value from set_config('transaction_read_only', 'off', true)`,
      /read-write mode/,
    ],
    ['brackets that do not match', "select 1) as x cross join (select 'p' as project", /.*/],
  ])('%s', async (_what, query, sentence) => {
    await expect(read(query)).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringMatching(sentence),
    });
  });

  test('a table that its role may not read', async () => {
    await expect(read('select * from secrets')).rejects.toMatchObject({
      code: 'target_denied',
      message: expect.stringContaining('permission denied'),
    });
  });

  test('a superuser', async () => {
    const query = "select 'p' as project, 1 as value";
    const superuser = await foreign.role([], 'superuser');
    await expect(read(query, {}, { [URL_NAME]: superuser })).rejects.toMatchObject({
      code: 'target_denied',
      message: expect.stringContaining('superuser'),
    });
  });

  test('an address that is missing, wrong or leads nowhere, which is never shown', async () => {
    const query = "select 'p' as project, 1 as value";
    await expect(read(query, {}, {})).rejects.toMatchObject({ code: 'target_denied' });
    const wrong = await read(query, {}, { [URL_NAME]: 'postgres://u:hush@[/x' }).catch((e) => e);
    expect(wrong).toMatchObject({ code: 'target_invalid' });
    const nowhere = url.replace(/:\d+\//, ':1/');
    const away = await read(query, {}, { [URL_NAME]: nowhere }).catch((e) => e);
    expect(away).toMatchObject({ code: 'target_unavailable' });
    const noSuch = url.replace(/\/[^/]*$/, '/no_such_database');
    const missing = await read(query, {}, { [URL_NAME]: noSuch }).catch((e) => e);
    expect(missing).toMatchObject({ code: 'target_invalid' });
    for (const { message, cause } of [wrong, away, missing]) {
      expect(`${message} ${cause}`).not.toMatch(/hush|secret/);
    }
  });
});

describe('ends within its time', () => {
  test('a query that takes too long is stopped where it runs', async () => {
    const query = "select 'slow' as project, 1 as value from pg_sleep(60)";
    await expect(read(query, { timeoutSeconds: 1 })).rejects.toMatchObject({
      code: 'target_unavailable',
      message: expect.stringContaining('no answer within 1 s'),
    });
    const { rows } = await foreign.owner.query(
      "select from pg_stat_activity where query like '%''slow''%' and state = 'active' and pid <> pg_backend_pid()",
    );
    expect(rows).toEqual([]);
  });

  test('one that waits for a lock', async () => {
    const holder = await foreign.owner.connect();
    try {
      await holder.query('begin; lock table sessions');
      await expect(read('select app as project, 1 as value from sessions')).rejects.toMatchObject({
        code: 'target_unavailable',
      });
    } finally {
      await holder.query('rollback');
      holder.release();
    }
  });

  test('a server that takes the connection and says nothing', async () => {
    await withSilentServer(async (silent, sockets) => {
      await expect(
        read("select 'p' as project, 1 as value", { timeoutSeconds: 1 }, { [URL_NAME]: silent }),
      ).rejects.toMatchObject({ code: 'target_unavailable' });
      expect([...sockets].every((socket) => socket.destroyed)).toBe(true);
    });
  }, 15_000);

  test('whoever stops it is heard at once', async () => {
    await withSilentServer(async (silent) => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error('enough')), 100);
      await expect(
        read("select 'p' as project, 1 as value", {}, { [URL_NAME]: silent }, stop.signal),
      ).rejects.toThrow('enough');
    });
  });
});

async function withSilentServer(
  use: (url: string, sockets: ReadonlySet<Socket>) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).resume());
    socket.on('end', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  try {
    await use(`postgres://u:p@127.0.0.1:${port}/x`, sockets);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
