import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { pages } from './markdown.ts';

// What an operator is told to type into psql is what this schema takes.

const { pool } = useTestDatabase();

/** The roles and databases of an installation are not this test's to make. */
const OF_THE_SERVER = /^\s*(create (role|database)|alter role)/;

const STATEMENTS = pages().flatMap(({ file, blocks, spans }) =>
  [
    ...blocks.filter(({ language }) => language === 'sql'),
    ...spans.filter(({ text }) => /^select .* from /.test(text)),
  ]
    .filter(
      ({ text }) =>
        !OF_THE_SERVER.test(text) &&
        /^docs\/(install|operations|upgrading|runbooks|periods|books)/.test(file),
    )
    .map(({ text, line }) => ({ where: `${file}:${line}`, text })),
);

test.each(STATEMENTS)('$where is taken by Postgres', async ({ text }) => {
  await expect(pool.query(text)).resolves.toBeDefined();
});
