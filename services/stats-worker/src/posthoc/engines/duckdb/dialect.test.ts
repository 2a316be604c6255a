import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import {
  albLine,
  DECLARATION,
  LIMITS,
  NO_BUCKETS,
  writeLog,
} from '../../../../test/posthoc-fixture.ts';
import type { EngineAnswer } from '../engine.ts';
import { createDuckDbEngine } from './duckdb-engine.ts';

const DOCUMENT = fileURLToPath(
  new URL('../../../../../../docs/post-hoc-dialect.md', import.meta.url),
);
const [bridged = '', differing = ''] = readFileSync(DOCUMENT, 'utf8').split('## Not bridged');

let directory: string;
beforeAll(() => {
  directory = temporaryDirectory('logs');
  writeLog(directory, 'a.log', [albLine('10:00:00', 'web')]);
});

/** The rows of a table of Markdown: what is code in their cells. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => /^ `(.*)` $/.exec(cell)?.[1]))
    .map((cells) => cells.flatMap((cell) => cell?.replaceAll('\\|', '|') ?? []))
    .filter((cells) => cells.length > 0);
}

/** What DuckDB makes of an expression, perhaps with a FROM. */
async function evaluate(expression: string): Promise<string> {
  const [, value = expression, from = ''] = /^(.*?)( from \(values.*)$/.exec(expression) ?? [];
  const sql = `select * from (select cast(${value} as varchar) as v${from}) x where exists (select 1 from logs where :start < :end)`;
  const source = { ...DECLARATION.source, path: 'a.log' };
  const metric = posthocDeclarationSchema.parse({ ...DECLARATION, sql, source });
  const engine = createDuckDbEngine({ directory, limits: LIMITS, fetch: NO_BUCKETS });
  const query = { metric, startMs: 0, endMs: 3_600_000 };
  try {
    const answer = await engine.answer(query, null, new AbortController().signal);
    const [text] = (answer as EngineAnswer).rows[0] ?? [];
    return text === null || text === undefined ? 'null' : text || "''";
  } catch (error) {
    expect(error).toMatchObject({ code: 'target_invalid' });
    return 'error';
  }
}

describe('what the page says is bridged', () => {
  const rows = rowsOf(bridged);
  test('is not nothing', () => expect(rows.length).toBeGreaterThan(40));
  test.each(rows)('%s is %s', async (sql, both) => {
    expect(await evaluate(sql ?? '')).toBe(both);
  });
});

describe('what the page says is not bridged', () => {
  const rows = rowsOf(differing);
  test('is not nothing', () => expect(rows.length).toBeGreaterThan(10));
  test.each(rows)('%s is %s in Athena, and %s here', async (sql, athena, here) => {
    expect(await evaluate(sql ?? '')).toBe(here);
    expect(athena).not.toBe(here);
  });
});
