import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AwsClients } from '@odometer/aws/aws-clients';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import {
  type AthenaRefusal,
  type AthenaResult,
  type AthenaStatus,
  FakeAthena,
} from '@odometer/testing/fake-athena';
import { ANSWER_COLUMNS, answerOf, athenaDeclaration } from '../../../../test/athena-fixture.ts';
import { AnswerReader, type Registry } from '../../answer-reader.ts';
import type { PosthocQuery } from '../engine.ts';
import { createAthenaEngine } from './athena-engine.ts';

/** AWS' own SDK over the wire against a server that speaks Athena's protocol. */

const athena = new FakeAthena();
let aws: AwsClients;
const wasted: bigint[] = [];
const engine = createAthenaEngine(
  (target) => aws.athena(target),
  (scannedBytes) => wasted.push(scannedBytes),
);
const never = new AbortController().signal;
const TOKEN = 'a'.repeat(64);
const NOBODY: Registry = { settledInstant: async () => new Date(), registered: async () => [] };
const RUNNING: AthenaStatus = { State: 'RUNNING' };
const QUEUED: AthenaStatus = { State: 'QUEUED' };
const SUCCEEDED: AthenaStatus = { State: 'SUCCEEDED', scannedBytes: 12_345_678 };

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  await athena.start();
});
beforeEach(() => {
  athena.forget();
  wasted.length = 0;
  aws = new AwsClients();
});
afterEach(() => aws.stop());
afterAll(() => athena.stop());

function query(change: object = {}, table: object = {}): PosthocQuery {
  const declaration = athenaDeclaration(athena);
  const metric = posthocDeclarationSchema.parse({
    ...declaration,
    ...change,
    athena: { ...declaration.athena, ...table },
  });
  const startMs = Date.parse('2026-08-15T10:00:00Z');
  return { metric, startMs, endMs: startMs + 3_600_000 };
}

const start = (of = query(), token = TOKEN) => engine.start(of, token, never);
const look = async (runningMs = 0, of = query()) =>
  engine.answer(of, { id: (await start(of)) ?? '', runningMs }, never);
/** What all rows of an answer are, once there is one. */
async function answered(of = query()) {
  const answer = await look(0, of);
  if ('isRunning' in answer) throw new Error('it still runs');
  return answer;
}
/** On a busy machine any request may take longer than those who wait for none should wait. */
const refuse = async (operation: string, refusal: AthenaRefusal) => {
  if (refusal === 'hang') {
    await aws.stop();
    aws = new AwsClients({ timeouts: { requestMs: 300 } });
  }
  athena.onCall = (call) => (call.operation === operation ? refusal : undefined);
};

describe('a query', () => {
  test('is started once for a token, in its workgroup, with nothing of answers before', async () => {
    const of = query({}, { outputLocation: 's3://results/odometer/' });
    const id = await start(of);
    expect(await start(of)).toBe(id);
    expect(await start(of, 'b'.repeat(64))).not.toBe(id);
    expect(athena.executions).toHaveLength(2);
    expect(athena.executions[0]?.input).toMatchObject({
      WorkGroup: 'odometer',
      QueryExecutionContext: { Catalog: 'AwsDataCatalog', Database: 'logs' },
      ResultConfiguration: { OutputLocation: 's3://results/odometer/' },
      ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: false } },
      ExecutionParameters: [
        "'2026/08/15'",
        "'2026/08/16'",
        "CAST('2026-08-15 10:00:00.000' AS timestamp)",
        "CAST('2026-08-15 11:00:00.000' AS timestamp)",
      ],
    });
  });

  test('that is another one by now is refused under the token of before', async () => {
    await start();
    await expect(
      start(query({ sql: 'select 1 as value where :start < :end' })),
    ).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining('Idempotent parameters do not match'),
    });
  });
});

describe('while it runs', () => {
  test('RUNNING, QUEUED and RUNNING again are no answer; nothing is waited for', async () => {
    athena.onStart = () => ({
      statuses: [QUEUED, RUNNING, QUEUED, RUNNING, SUCCEEDED],
      result: answerOf([['web', '3']]),
    });
    for (let i = 0; i < 4; i += 1) expect(await look()).toEqual({ isRunning: true });
    expect(await answered()).toMatchObject({ rows: [['web', '3']], scannedBytes: 12_345_678n });
    expect(athena.executions).toHaveLength(1);
  });

  test('past its deadline it is stopped', async () => {
    athena.onStart = () => ({ statuses: [RUNNING] });
    expect(await look(2_100_000)).toEqual({ isRunning: true });
    await expect(look(2_100_001)).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining('it takes more than 2100 s'),
    });
    expect(athena.executions[0]?.statuses[0]?.State).toBe('CANCELLED');
  });

  test('an answer that is there past the deadline is read', async () => {
    athena.onStart = () => ({ statuses: [SUCCEEDED], result: answerOf([['web', '3']]) });
    expect(await look(9_000_000)).toMatchObject({ rows: [['web', '3']] });
  });

  test('that has read too much is stopped', async () => {
    const of = query({}, { maxScannedBytes: 1_000 });
    athena.onStart = () => ({
      statuses: [
        { ...RUNNING, scannedBytes: 1_000 },
        { ...RUNNING, scannedBytes: 1_001 },
      ],
    });
    expect(await look(0, of)).toEqual({ isRunning: true });
    await expect(look(0, of)).rejects.toMatchObject({
      message: expect.stringContaining('it reads more than 1000 bytes'),
    });
    expect(athena.callsOf('StopQueryExecution')).toHaveLength(1);
    expect(wasted).toEqual([1_001n]);
  });

  test('an answer that nobody wants any more is stopped', async () => {
    athena.onStart = () => ({ statuses: [RUNNING] });
    const id = (await start()) ?? '';
    await engine.stop?.(query(), id, never);
    expect(athena.executions[0]?.statuses[0]?.State).toBe('CANCELLED');
  });

  test('a worker that stops leaves it running', async () => {
    athena.onStart = () => ({ statuses: [RUNNING] });
    const id = (await start()) ?? '';
    await refuse('GetQueryExecution', 'hang');
    const stopping = new AbortController();
    const asked = engine.answer(query(), { id, runningMs: 0 }, stopping.signal);
    const reason = new Error('stopping');
    stopping.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect(athena.callsOf('StopQueryExecution')).toHaveLength(0);
  });
});

describe('there will be no answer', () => {
  test.each([
    ['FAILED that may pass', { ErrorCategory: 2, Retryable: true }, 'target_unavailable'],
    ['FAILED by Athena itself', { ErrorCategory: 1, Retryable: false }, 'target_unavailable'],
    ['FAILED for good', { ErrorCategory: 2, Retryable: false }, 'target_invalid'],
  ])('%s', async (_what, error, code) => {
    const AthenaError = { ...error, ErrorMessage: 'HIVE_BAD_DATA: of a test' };
    athena.onStart = () => ({ statuses: [{ State: 'FAILED', AthenaError, scannedBytes: 99 }] });
    await expect(look()).rejects.toMatchObject({
      code,
      message: expect.stringContaining('the query failed: HIVE_BAD_DATA: of a test'),
    });
    // It is billed all the same.
    expect(wasted).toEqual([99n]);
  });

  test.each([
    [
      'CANCELLED by the limit of its workgroup',
      'Query cancelled! : Bytes scanned limit was exceeded',
      'target_invalid',
    ],
    ['CANCELLED by somebody', 'Query was cancelled by user', 'target_unavailable'],
  ])('%s', async (_what, StateChangeReason, code) => {
    athena.onStart = () => ({ statuses: [{ State: 'CANCELLED', StateChangeReason }] });
    await expect(look()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(StateChangeReason),
    });
  });

  test('an answer whose file is gone', async () => {
    await refuse('GetQueryResults', {
      status: 400,
      type: 'InvalidRequestException',
      message: 'Could not find results',
    });
    await expect(look()).rejects.toMatchObject({ code: 'target_invalid' });
  });
});

const REFUSALS = [
  ['TooManyRequests', { status: 400, type: 'TooManyRequestsException' }, 'target_throttled'],
  ['Throttling', { status: 400, type: 'ThrottlingException' }, 'target_throttled'],
  ['an error of its own', { status: 500, type: 'InternalServerException' }, 'target_unavailable'],
  ['an expired token', { status: 400, type: 'ExpiredTokenException' }, 'target_denied'],
  ['a missing permission', { status: 400, type: 'AccessDeniedException' }, 'target_denied'],
  ['no answer at all', 'hang', 'target_unavailable'],
] as const;

describe.each(REFUSALS)('%s', (_what, refusal, code) => {
  test('is told of a query that cannot be started', async () => {
    await refuse('StartQueryExecution', refusal);
    await expect(start()).rejects.toMatchObject({ code });
  }, 60_000);

  test.each(['GetQueryExecution', 'GetQueryResults'])(
    'at %s is waited out until the deadline: the query is paid for',
    async (operation) => {
      await refuse(operation, refusal);
      expect(await look()).toMatchObject({ isRunning: true, trouble: { code } });
      await expect(look(2_100_001)).rejects.toMatchObject({ code });
    },
    60_000,
  );
});

describe('the answer', () => {
  test.each([0, 1, 999, 1_000, 2_500])('has all of %i rows', async (count) => {
    const rows = Array.from({ length: count }, (_, i) => [`p${i}`, String(i)]);
    athena.onStart = () => ({ result: answerOf(rows, { unmatched: 7 }) });
    const answer = await answered();
    expect(answer.rows).toEqual(rows);
    expect(answer.unmatchedLines).toBe(7n);
    // The header is one of the first thousand.
    const pages = Math.ceil((Math.max(count, 1) + 1) / 1_000);
    expect(athena.callsOf('GetQueryResults')).toHaveLength(pages);
  });

  test('keeps rows that look like the header, whether first or on a later page', async () => {
    const header = ['project', 'value'];
    const columns = [
      { name: 'project', type: 'varchar' },
      { name: 'value', type: 'varchar' },
    ];
    const rows = [header, ...Array.from({ length: 998 }, () => ['web', '1']), header, header];
    athena.onStart = () => ({ result: answerOf(rows, { columns }) });
    expect((await answered()).rows).toEqual(rows);
  });

  test('tells null from an empty text, and keeps quotes, newlines, commas and other scripts', async () => {
    const columns = ['a', 'b', 'c', 'd'].map((name) => ({ name, type: 'varchar' }));
    const row = [null, '', `it's "x",\\\n\r\n\t;`, 'Ω\u{1f600}'];
    athena.onStart = () => ({ result: answerOf([row], { columns }) });
    expect((await answered()).rows).toEqual([row]);
  });

  test('keeps all digits, and knows which types are exact', async () => {
    const columns = [
      'bigint',
      'decimal',
      'decimal(38,2)',
      'integer',
      'double',
      'float',
      'varchar',
      'timestamp',
    ].map((type, i) => ({ name: `c${i}`, type }));
    const row = [
      '9007199254740993',
      '123456789012345678901234567.000000000001',
      '0E-10',
      '-1',
      '1.5E10',
      'NaN',
      'x',
      'y',
    ];
    athena.onStart = () => ({ result: answerOf([row], { columns }) });
    const answer = await answered();
    expect(answer.rows).toEqual([row]);
    expect(answer.columns.map(({ type }) => type)).toEqual([
      ...Array<string>(4).fill('exact'),
      'inexact',
      'inexact',
      'other',
      'other',
    ]);
  });

  test('is read as any other: bigints beyond 2^53 add up, a project that is no name is left out and counted', async () => {
    athena.onStart = () => ({
      result: answerOf([
        ['web', '9007199254740993'],
        ['web', '9007199254740993'],
        [`it's`, '1'],
        [`web'; drop table x; --`, '1'],
      ]),
    });
    const { metric } = query();
    const { columns, rows: answers } = await answered();
    const reader = new AnswerReader(metric, NOBODY);
    reader.begin(columns);
    await reader.add(answers);
    const { rows, unnamed } = reader.result();
    expect(rows.map(({ project, value }) => [project, value])).toEqual([
      ['web', '18014398509481986'],
    ]);
    expect(unnamed).toBe(2n);
  });

  test.each([
    ['of another query', { columns: ANSWER_COLUMNS, rows: [['web', '1']] }, 'is to another query'],
    ['without our row', { ...answerOf([]), rows: [] }, 'has no rows, not even ours'],
    [
      'with a row that is too short',
      { ...answerOf([]), rows: [['0', '1']] },
      '2 values for 4 columns',
    ],
    [
      'without our count',
      { ...answerOf([]), rows: [[null, '1', 'web', '1']] },
      'odometer_unmatched is null',
    ],
  ])('%s is none', async (_what, result, reason) => {
    athena.onStart = () => ({ result });
    await expect(look()).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining(reason),
    });
  });
});

/** What Athena answers over the lines of alb.log; same-answers.test.ts holds DuckDB's answers equal to it. */
const RECORDED = new URL('../recorded/', import.meta.url);

test.each(readdirSync(RECORDED).filter((name) => name.endsWith('.json')))(
  'the answer that DuckDB is held equal to is read as it is: %s',
  async (name) => {
    const recorded = JSON.parse(readFileSync(new URL(name, RECORDED), 'utf8')) as AthenaResult & {
      readonly sql: string;
    };
    const { columns, rows } = recorded;
    athena.onStart = () => ({ result: answerOf(rows, { columns }) });
    const answer = await answered(query({ sql: recorded.sql }));
    expect(answer.rows).toEqual(rows);
    expect(answer.columns.map((column) => column.name)).toEqual(
      columns.map((column) => column.name),
    );
  },
);
