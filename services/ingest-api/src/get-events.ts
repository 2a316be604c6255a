import type { ParsedUrlQuery } from 'node:querystring';
import { type EventFilter, listEvents, type StoredEvent } from '@odometer/database/events';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { parseEventTime } from '@odometer/domain/event-time';

/** OpenMeter's default range and its largest page. */
const DEFAULT_RANGE_MS = 72 * 3_600_000;
const MAX_LIMIT = 100;

/** A look at recent events must not occupy the database that counts them. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** One element of the answer, as OpenMeter's SDK reads it. */
interface IngestedEvent {
  readonly event: Readonly<Record<string, unknown>>;
  readonly ingestedAt: string;
  readonly storedAt: string;
  readonly validationError?: string;
}

/**
 * `GET /api/v1/events` of OpenMeter's v1 API: recent events as they were stored, newest first. Events that are accepted
 * but not applied yet are not among them.
 *
 * @param organization the only one whose events the key may see, or null.
 * @throws OdometerError `query_invalid` with the parameter's name.
 */
export async function getEvents(
  pool: Pool,
  query: ParsedUrlQuery,
  organization: string | null,
): Promise<readonly IngestedEvent[]> {
  const filter = readFilter(query, organization, Date.now());
  const events = await inTransaction(pool, async (transaction) => {
    await transaction.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    return listEvents(transaction, filter);
  });
  return events.map(ingestedEvent);
}

/** Reads the query's parameters. @throws OdometerError `query_invalid`. */
function readFilter(
  query: ParsedUrlQuery,
  organization: string | null,
  nowMs: number,
): EventFilter {
  // An event may be a little in the future: without a `to`, it belongs to what is recent.
  const to = instant(query, 'to') ?? new Date(nowMs + DEFAULT_RANGE_MS);
  const from = instant(query, 'from') ?? new Date(Math.min(nowMs, to.getTime()) - DEFAULT_RANGE_MS);
  if (from > to) throw invalid('from', 'should not be after to');
  return {
    organization,
    from,
    to,
    ingestedFrom: instant(query, 'ingestedAtFrom'),
    ingestedTo: instant(query, 'ingestedAtTo'),
    id: single(query, 'id'),
    subject: single(query, 'subject'),
    limit: limitOf(query),
  };
}

function limitOf(query: ParsedUrlQuery): number {
  const text = single(query, 'limit');
  if (text === undefined) return MAX_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    throw invalid('limit', `should be a whole number from 1 to ${MAX_LIMIT}`);
  }
  return limit;
}

function instant(query: ParsedUrlQuery, parameter: string): Date | undefined {
  const text = single(query, parameter);
  if (text === undefined) return undefined;
  const atMs = parseEventTime(text);
  if (atMs === undefined) throw invalid(parameter, 'should be an RFC 3339 date-time');
  return new Date(atMs);
}

function single(query: ParsedUrlQuery, parameter: string): string | undefined {
  const value = query[parameter];
  if (Array.isArray(value)) throw invalid(parameter, 'should be given once');
  // No event has it, and Postgres would refuse the statement.
  if (value?.includes('\u0000')) throw invalid(parameter, 'holds U+0000');
  return value;
}

function invalid(parameter: string, problem: string): OdometerError {
  return new OdometerError('query_invalid', { parameter, problem });
}

function ingestedEvent(stored: StoredEvent): IngestedEvent {
  return {
    event: {
      ...stored.attributes,
      specversion: '1.0',
      id: stored.id,
      source: stored.source,
      type: stored.type,
      subject: stored.subject,
      time: stored.time.toISOString(),
      data: stored.data,
    },
    ingestedAt: stored.ingestedAt.toISOString(),
    storedAt: stored.storedAt.toISOString(),
    ...(stored.validationError === null ? {} : { validationError: stored.validationError }),
  };
}
