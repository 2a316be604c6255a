import {
  type ForeignColumn,
  type ForeignRows,
  readForeignQuery,
} from '@odometer/database/measuring/foreign-query';
import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import { toTimestamp } from '@odometer/domain/period';
import type { ReadingDeclaration } from '@odometer/domain/readings/reading-declaration';
import { parseReadingQuery, READING_PARAMETERS } from '@odometer/domain/readings/reading-query';
import { isSlug } from '@odometer/domain/slug';
import { declaredVariable } from '@odometer/service-kit/declared-variable';

/** A query for a reading has a row per project; more than this many is another query. */
const MAX_ROWS = 200_000;
/** More than any name (128) or quantity that we take has: what is cut off here would be refused anyway. */
const MAX_CHARACTERS = 300;
/** Enough to see what is wrong with the names. */
const MAX_EXAMPLES = 5;

/** `pg_type.oid` of what is exact. https://www.postgresql.org/docs/current/datatype-numeric.html */
const EXACT_TYPES: ReadonlySet<number> = new Set([20, 21, 23, 1700]);
/** real and double precision. */
const INEXACT_TYPES: ReadonlySet<number> = new Set([700, 701]);
const COLUMNS = ['organization', 'project', 'value'] as const;
type Column = (typeof COLUMNS)[number];

export interface ReadingValue {
  readonly organization: string;
  readonly project: string;
  /** Null: the query does not know. */
  readonly value: Scaled | null;
}

export interface ReadingValues {
  /** Each project once. */
  readonly values: readonly ReadingValue[];
  /** Rows whose organization or project can be no name; they are left out, and said. */
  readonly invalidNames: { readonly rows: number; readonly examples: readonly string[] };
  readonly roleMayWrite: boolean;
}

/**
 * Asks what a reading's query says. It is believed as a whole or not at all.
 *
 * @param window half-open, for `:start` and `:end`.
 * @param env where the database's address is.
 * @throws OdometerError `target_unavailable`, `target_throttled`, `target_denied`, `target_invalid`
 */
export async function readValues(
  reading: ReadingDeclaration,
  window: { readonly startMs: number; readonly endMs: number } | null,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<ReadingValues> {
  const target = `reading ${reading.name}`;
  const url = declaredVariable(env, reading.databaseUrlEnv, target);
  const query = parseReadingQuery(reading.query);
  if (typeof query === 'string') throw invalid(target, `the query ${query}`);
  const values =
    window === null
      ? []
      : READING_PARAMETERS.map((name) =>
          toTimestamp(name === 'start' ? window.startMs : window.endMs),
        );
  const answer = await readForeignQuery({
    target,
    url,
    text: query.text,
    values,
    timeoutMs: reading.timeoutSeconds * 1_000,
    maxRows: MAX_ROWS,
    maxCharacters: MAX_CHARACTERS + 1,
    checkColumns: (columns) => {
      placesOf(target, columns);
    },
    signal,
  });
  return { ...toValues(target, reading.organization, answer), roleMayWrite: answer.roleMayWrite };
}

function toValues(
  target: string,
  home: string,
  answer: ForeignRows,
): Omit<ReadingValues, 'roleMayWrite'> {
  const at = placesOf(target, answer.columns);
  const values = new Map<string, ReadingValue>();
  const examples: string[] = [];
  let invalidRows = 0;
  for (const row of answer.rows) {
    const organization = at.organization === -1 ? home : (row[at.organization] ?? '');
    const project = row[at.project] ?? '';
    const name = `${organization}/${project}`;
    if (!isSlug(organization) || !isSlug(project)) {
      invalidRows += 1;
      if (examples.length < MAX_EXAMPLES) examples.push(name.slice(0, MAX_CHARACTERS));
      continue;
    }
    if (values.has(name)) throw invalid(target, `it has two rows of ${name}`);
    const text = row[at.value] ?? null;
    if (text !== null && text.length > MAX_CHARACTERS) {
      throw invalid(target, `of ${name} the value has more than ${MAX_CHARACTERS} characters`);
    }
    const value = text === null ? null : parseQuantity(text);
    if (typeof value === 'string') throw invalid(target, `of ${name} the ${value}`);
    values.set(name, { organization, project, value });
  }
  return { values: [...values.values()], invalidNames: { rows: invalidRows, examples } };
}

function placesOf(
  target: string,
  columns: readonly ForeignColumn[],
): Readonly<Record<Column, number>> {
  const place = (name: Column) => columns.findIndex((column) => column.name === name);
  const unknown = columns.find(({ name }) => !(COLUMNS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw invalid(target, `it has a column ${unknown.name}; there may be ${COLUMNS.join(', ')}`);
  }
  if (columns.length > new Set(columns.map(({ name }) => name)).size) {
    throw invalid(target, 'it has a column twice');
  }
  for (const name of ['project', 'value'] as const) {
    if (place(name) === -1) throw invalid(target, `it has no column ${name}`);
  }
  const type = columns[place('value')]?.typeOid ?? 0;
  if (INEXACT_TYPES.has(type)) {
    throw invalid(
      target,
      'value is a floating-point number, which does not add up exactly; cast what it is made of: value::numeric',
    );
  }
  if (!EXACT_TYPES.has(type)) {
    throw invalid(target, 'value is no number of an exact type; cast it to numeric or bigint');
  }
  return { organization: place('organization'), project: place('project'), value: place('value') };
}

function invalid(target: string, reason: string): OdometerError {
  return new OdometerError('target_invalid', { target, reason });
}
