import {
  type AthenaClient,
  type ColumnInfo,
  GetQueryResultsCommand,
  type Row,
} from '@aws-sdk/client-athena';
import { OdometerError } from '@odometer/domain/errors';
import { cutText, MAX_TEXT_LENGTH } from '../cut-text.ts';
import type { AnswerSink, EngineColumn } from '../engine.ts';
import { ROW_COLUMN, UNMATCHED_COLUMN } from './athena-query.ts';

/** Most that a page may have, of which the header is one. */
const PAGE_ROWS = 1_000;
/** A thousand pages, which take some minutes: an answer is read in one go. */
const MAX_ROWS = 1_000_000;

/**
 * Reads the answer of a query that has succeeded, all pages of it. What is no value is null: an empty string has a value.
 *
 * @returns how many lines of the logs could not be read.
 * @throws OdometerError `target_invalid`; whatever the SDK throws
 */
export async function readResults(
  client: Pick<AthenaClient, 'send'>,
  target: string,
  executionId: string,
  signal: AbortSignal,
  sink: AnswerSink,
): Promise<bigint> {
  const invalid = (reason: string) => new OdometerError('target_invalid', { target, reason });
  let rowCount = 0;
  let columns: readonly EngineColumn[] | undefined;
  let unmatchedLines: bigint | undefined;
  const seen = new Set<string>();
  let token: string | undefined;
  do {
    const { ResultSet, NextToken } = await client.send(
      new GetQueryResultsCommand({
        QueryExecutionId: executionId,
        MaxResults: PAGE_ROWS,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
      { abortSignal: signal },
    );
    const infos = ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
    const isFirst = columns === undefined;
    if (columns === undefined) {
      columns = columnsOf(infos, invalid);
      sink.begin(columns.slice(2));
    }
    const rows: (readonly (string | null)[])[] = [];
    for (const [i, row] of (ResultSet?.Rows ?? []).entries()) {
      const values = valuesOf(row);
      if (values.length !== columns.length) {
        throw invalid(`a row has ${values.length} values for ${columns.length} columns`);
      }
      // Ours has a number in its first column, so no row of the answer is ever taken for the header.
      if (isFirst && i === 0 && isHeader(values, columns)) continue;
      const [lines, isRow, ...rest] = values;
      if (lines === undefined || lines === null || !/^\d+$/.test(lines)) {
        throw invalid(`${UNMATCHED_COLUMN} is ${lines}`);
      }
      unmatchedLines = BigInt(lines);
      if (isRow !== null) rows.push(rest);
    }
    rowCount += rows.length;
    if (rowCount > MAX_ROWS) throw invalid(`the answer has more than ${MAX_ROWS} rows`);
    await sink.add(rows);
    token = NextToken;
    if (token !== undefined && seen.has(token)) throw invalid('GetQueryResults goes in a circle');
    if (token !== undefined) seen.add(token);
  } while (token !== undefined);
  // One row there is in any case: an answer without one was cut off.
  if (unmatchedLines === undefined) throw invalid('the answer has no rows, not even ours');
  return unmatchedLines;
}

function columnsOf(
  infos: readonly ColumnInfo[],
  invalid: (reason: string) => Error,
): readonly EngineColumn[] {
  const columns = infos.map(
    ({ Name = '', Type = '' }): EngineColumn => ({ name: Name, type: typeOf(Type.toLowerCase()) }),
  );
  if (columns[0]?.name !== UNMATCHED_COLUMN || columns[1]?.name !== ROW_COLUMN) {
    throw invalid(`the answer is to another query: ${columns.map(({ name }) => name).join(', ')}`);
  }
  return columns;
}

const EXACT = new Set(['tinyint', 'smallint', 'integer', 'int', 'bigint', 'decimal']);
const INEXACT = new Set(['real', 'float', 'double']);

function typeOf(type: string): EngineColumn['type'] {
  // decimal(38,2), too.
  const name = type.split('(', 1)[0] ?? '';
  if (EXACT.has(name)) return 'exact';
  return INEXACT.has(name) ? 'inexact' : 'other';
}

function valuesOf({ Data = [] }: Row): readonly (string | null)[] {
  return Data.map(({ VarCharValue }) =>
    VarCharValue === undefined ? null : cutText(VarCharValue, MAX_TEXT_LENGTH),
  );
}

function isHeader(values: readonly (string | null)[], columns: readonly EngineColumn[]): boolean {
  return columns.every(({ name }, i) => values[i] === name);
}
