import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { DECLARATION, LIMITS, NO_BUCKETS, writeLog } from '../../../test/posthoc-fixture.ts';
import { createDuckDbEngine } from './duckdb/duckdb-engine.ts';
import type { EngineAnswer } from './engine.ts';

const RECORDED = fileURLToPath(new URL('recorded/', import.meta.url));
const START = Date.parse('2026-08-15T23:00:00Z');

/** An answer as Athena gives it. */
interface Recorded {
  readonly what: string;
  readonly sql: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: EngineAnswer['rows'];
}

/**
 * The columns and the pattern of the table that AWS publishes for Athena, whose SerDe wants a line to match as a whole.
 * https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html
 */
const COLUMNS =
  `type time elb client_ip client_port target_ip target_port request_processing_time target_processing_time
  response_processing_time elb_status_code target_status_code received_bytes sent_bytes request_verb request_url request_proto
  user_agent ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority
  request_creation_time actions_executed redirect_url lambda_error_reason target_port_list target_status_code_list
  classification classification_reason conn_trace_id further`.split(/\s+/);
const PATTERN = String.raw`^([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)? ?( .*)?$`;

let directory: string;
beforeAll(() => {
  directory = temporaryDirectory('logs');
  const lines = readFileSync(`${RECORDED}alb.log`, 'utf8').split('\n');
  writeLog(directory, 'alb.log.gz', lines);
});

const TYPES: Readonly<Record<string, string>> = {
  varchar: 'other',
  bigint: 'exact',
  integer: 'exact',
};

test.each(readdirSync(RECORDED).filter((name) => name.endsWith('.json')))(
  'DuckDB and Athena answer alike over the same lines: %s',
  async (name) => {
    const recorded = JSON.parse(readFileSync(`${RECORDED}${name}`, 'utf8')) as Recorded;
    const metric = posthocDeclarationSchema.parse({
      name: 'alb',
      engine: 'duckdb',
      eventType: 'api_calls',
      window: 'hour',
      sql: recorded.sql,
      source: {
        type: 'directory',
        path: 'alb.log.gz',
        format: { type: 'pattern', pattern: PATTERN, columns: COLUMNS },
      },
      // Both read this SQL.
      athena: { region: 'us-east-2', workgroup: 'metering', database: 'logs', table: 'alb' },
    });
    const engine = createDuckDbEngine({ directory, limits: LIMITS, fetch: NO_BUCKETS });
    const query = { metric, startMs: START, endMs: START + 3_600_000 };
    const answer = await engine.answer(query, null, new AbortController().signal);
    expect(inOrder(answer.rows)).toEqual(inOrder(recorded.rows));
    expect(answer.columns).toEqual(
      recorded.columns.map(({ name: column, type }) => ({
        name: column,
        type: TYPES[type] ?? (type.startsWith('decimal') ? 'exact' : type),
      })),
    );
    // One that is none, and one with quotes that the published pattern does not expect.
    expect(answer.unmatchedLines).toBe(2n);
  },
);

test('as delimited fields the same lines say the same, and one more, whose quotes the pattern does not expect', async () => {
  const sql = `select split_part(split_part(request, ' ', 2), '/', 4) as project, count(*) as value from logs
    where from_iso8601_timestamp(time) >= :start and from_iso8601_timestamp(time) < :end group by 1`;
  const { format } = DECLARATION.source;
  const source = { type: 'directory', path: 'alb.log.gz', format };
  const metric = posthocDeclarationSchema.parse({ ...DECLARATION, sql, source });
  const engine = createDuckDbEngine({ directory, limits: LIMITS, fetch: NO_BUCKETS });
  const query = { metric, startMs: START, endMs: START + 3_600_000 };
  const answer = await engine.answer(query, null, new AbortController().signal);
  const recorded = JSON.parse(readFileSync(`${RECORDED}requests.json`, 'utf8')) as Recorded;
  const expected = recorded.rows.map(([project, value]) =>
    project === 'app' ? ['app', String(Number(value) + 1)] : [project ?? null, value ?? null],
  );
  expect(inOrder(answer.rows)).toEqual(inOrder(expected));
  expect(answer.unmatchedLines).toBe(1n);
});

function inOrder(rows: EngineAnswer['rows']): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
