import { OdometerError } from '@odometer/domain/errors';
import type { Windows } from '@odometer/domain/windows/windows';
import { inTransaction, type Pool, type Transaction } from '../pool.ts';
import { type AnswerRow, answerStatement } from './answer-statement.ts';
import { exactFirst } from './exact-first.ts';
import type { MeterQuery, MeterQueryRow } from './meter-query.ts';
import { needsEvents, windowsOf } from './needs-events.ts';
import { isCutAt, type Piece, planPieces } from './plan-pieces.ts';
import { areDaysFaster, eventsKeptFrom, extentOfUsage, monthsOfEvents } from './query-facts.ts';
import { resolveNames } from './resolve-names.ts';
import { SqlParameters } from './sql-parameters.ts';
import type { ResolvedQuery } from './usage-rows.ts';

/** An answer is made in memory. At 200 bytes a row this is 10 MB; a year of hours is 8,760 rows. */
const MAX_ROWS = 50_000;

/** Instants that Postgres and a `Date` both have: the years 1 to 9999. */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_800_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Where an answer is read from. `summed`: from what is summed up, as far as that is exact; the numbers are the same. */
export type AnswerFrom = 'summed' | 'events';

/**
 * Answers a question about a meter's usage, from sums where they can serve and from raw events where they must. Which of
 * them it was, nobody can tell by the numbers: an event counts in both by the same rule. Usage whose owner is not registered
 * is in neither. The whole answer is of one moment.
 *
 * @returns rows in the order of their windows; windows without usage are left out.
 * @throws OdometerError `query_unanswerable`: it takes raw events where there are none, and why. `query_invalid`: too many
 * windows or rows.
 */
export async function queryMeter(
  pool: Pool,
  query: MeterQuery,
  readFrom: AnswerFrom = 'summed',
): Promise<readonly MeterQueryRow[]> {
  const { meter, fromMs, toMs } = query;
  const isOfEvents = meter.eventType !== null;
  if (!isOfEvents) {
    // Before anything is looked up: what is refused must not depend on whether there is usage.
    const reason = needsEvents(query, null);
    if (reason !== undefined) throw notOfEvents(query, reason);
    if ([fromMs, toMs].some((atMs) => (atMs ?? 0) % HOUR_MS !== 0)) {
      throw notOfEvents(query, 'parts of hours; from and to should be full hours of UTC');
    }
  }
  return inTransaction(pool, async (transaction) => {
    await transaction.query('set transaction isolation level repeatable read, read only');
    const resolved = await resolveNames(transaction, query);
    if (resolved === undefined) return [];
    const range = await rangeOf(transaction, resolved);
    if (range.fromMs >= range.toMs) return [];
    const windows = windowsOf(query, range.fromMs, range.toMs);
    const reason = needsEvents(query, windows);
    if (reason !== undefined && !isOfEvents) throw notOfEvents(query, reason);
    const pieces = planPieces({
      ...range,
      windows,
      mayUseHours: reason === undefined && readFrom === 'summed',
      mayUseDays:
        (meter.kind === 'counter' || isOfEvents) &&
        isCutAt(windows, DAY_MS) &&
        (await areDaysFaster(
          transaction,
          meter.id,
          range,
          resolved.organizationIds,
          resolved.subjects?.map(({ projectId }) => projectId) ?? null,
        )),
      monthsOfEvents: await monthsOfEvents(transaction, meter.id, resolved.organizationIds),
    });
    const keptFromMs = await refuseMissingEvents(transaction, query, pieces);
    const rows = await answer(transaction, resolved, pieces, windows);
    if (windows !== null) return rows.map((row) => rowOf(query, row, windowBounds(row, windows)));
    const firstMs = await exactFirst(transaction, resolved, rows, pieces, keptFromMs);
    return rows.map((row, i) =>
      rowOf(query, row, [
        floorMinute(firstMs[i] ?? 0),
        floorMinute(row.last?.getTime() ?? 0) + MINUTE_MS,
      ]),
    );
  });
}

/** The question's range; an open end is where usage begins or ends, and so is one far beyond. */
async function rangeOf(
  transaction: Transaction,
  query: ResolvedQuery,
): Promise<{ readonly fromMs: number; readonly toMs: number }> {
  const fromMs = Math.max(query.fromMs ?? FIRST_MS, FIRST_MS);
  const toMs = Math.min(query.toMs ?? LAST_MS, LAST_MS);
  const isShort = query.fromMs !== null && query.toMs !== null && toMs - fromMs < SHORT_MS;
  if (isShort) return { fromMs, toMs };
  const extent = await extentOfUsage(transaction, query.meter, query.organizationIds);
  if (extent === undefined) return { fromMs, toMs: fromMs };
  return { fromMs: Math.max(fromMs, extent.fromMs), toMs: Math.min(toMs, extent.toMs) };
}

/** A year and a day: where usage begins costs more to find out than it saves. */
const SHORT_MS = 367 * 86_400_000;

function notOfEvents({ meter }: MeterQuery, reason: string): OdometerError {
  return new OdometerError('query_unanswerable', {
    meter: meter.slug,
    reason: `it is fed by ${meter.owner} and not by events, and sums by the hour cannot serve ${reason}`,
  });
}

/** @returns since when raw events are kept. @throws OdometerError `query_unanswerable` when some that it takes are not. */
async function refuseMissingEvents(
  transaction: Transaction,
  query: MeterQuery,
  pieces: readonly Piece[],
): Promise<number> {
  if (query.meter.eventType === null) return Number.POSITIVE_INFINITY;
  const keptFromMs = await eventsKeptFrom(transaction);
  const missing = pieces.find(({ source, fromMs }) => source === 'events' && fromMs < keptFromMs);
  if (missing === undefined) return keptFromMs;
  throw new OdometerError('query_unanswerable', {
    meter: query.meter.slug,
    reason: `it takes single events from ${new Date(missing.fromMs).toISOString()} on, and those before ${new Date(keptFromMs).toISOString()} are not kept; ask for full hours of UTC, without groups and filters, or for a later range`,
  });
}

async function answer(
  transaction: Transaction,
  query: ResolvedQuery,
  pieces: readonly Piece[],
  windows: Windows | null,
): Promise<readonly AnswerRow[]> {
  const parameters = new SqlParameters();
  const text = answerStatement(query, pieces, windows, MAX_ROWS, parameters);
  const { rows } = await transaction.query<AnswerRow>(text, parameters.values);
  if (rows.length > MAX_ROWS) {
    throw new OdometerError('query_invalid', {
      parameter: 'windowSize',
      problem: `the answer has more than ${MAX_ROWS} rows; ask for a shorter range, or longer windows`,
    });
  }
  return rows;
}

function windowBounds({ window }: AnswerRow, windows: Windows): readonly [number, number] {
  if (windows.kind === 'even') {
    const startMs = Number(window);
    return [startMs, startMs + windows.lengthMs];
  }
  const number = Number(window);
  return [windows.boundsMs[number - 1] ?? 0, windows.boundsMs[number] ?? 0];
}

function floorMinute(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
}

function rowOf(
  { groupBy }: MeterQuery,
  row: AnswerRow,
  [startMs, endMs]: readonly [number, number],
): MeterQueryRow {
  let subject: string | null = null;
  let organization: string | null = null;
  const dimensions: [string, string | null][] = [];
  for (const [i, grouping] of groupBy.entries()) {
    const value = row[`g${i}`] ?? null;
    if (grouping.by === 'subject') subject = value;
    else if (grouping.by === 'organization') organization = value;
    else dimensions.push([grouping.name, value]);
  }
  return {
    value: row.value,
    startMs,
    endMs,
    subject,
    organization,
    groupBy: Object.fromEntries(dimensions),
  };
}
