import type { AnswerRow } from '@odometer/database/posthoc/believe-answer';
import { formatQuantity, parseQuantity, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';
import { answerRowKey } from '@odometer/domain/posthoc/posthoc-event';
import { isSlug } from '@odometer/domain/slug';
import type { EngineAnswer } from './engines/engine.ts';

/** Longer ones are cut off: they are what clients sent, and none may stop everybody's usage from being counted. */
const MAX_DIMENSION_LENGTH = 1_024;
/** More than any quantity that we take has. */
const MAX_VALUE_LENGTH = 300;

export interface ReadAnswer {
  /** Each key once, its value as decimal text; rows of 0 are nothing. */
  readonly rows: readonly AnswerRow[];
  /** Rows whose organization or project can be no name; they are left out, and said. */
  readonly unnamed: bigint;
}

/**
 * Reads what a metric's query answered. It is believed as a whole or not at all; rows of one key add up.
 *
 * @throws OdometerError `target_invalid`
 */
export function readAnswer(metric: PosthocDeclaration, answer: EngineAnswer): ReadAnswer {
  const at = placesOf(metric, answer);
  const sums = new Map<string, Omit<AnswerRow, 'value'> & { sum: Scaled }>();
  let unnamed = 0n;
  for (const row of answer.rows) {
    const organization =
      at.organization === undefined ? metric.organization : (row[at.organization] ?? '');
    const project = row[at.project] ?? '';
    if (!isSlug(organization) || !isSlug(project)) {
      unnamed += 1n;
      continue;
    }
    const value = quantityOf(metric, `${organization}/${project}`, row[at.value] ?? null);
    const dimensions = Object.fromEntries(
      at.dimensions.map(([name, place]) => [name, dimensionOf(row[place] ?? null)]),
    );
    const key = { organization, project, dimensions };
    const rowKey = answerRowKey(key);
    const sum = sums.get(rowKey);
    if (sum === undefined) sums.set(rowKey, { ...key, rowKey, sum: value });
    else sum.sum += value;
  }
  const rows = [...sums.values()]
    .filter(({ sum }) => sum !== 0n)
    .map(({ sum, ...row }) => ({ ...row, value: formatQuantity(sum) }));
  return { rows, unnamed };
}

function quantityOf(metric: PosthocDeclaration, whose: string, text: string | null): Scaled {
  if (text === null) {
    throw invalid(metric, `of ${whose} the value is null; coalesce it, or leave the row out`);
  }
  if (text.length > MAX_VALUE_LENGTH) {
    throw invalid(metric, `of ${whose} the value has more than ${MAX_VALUE_LENGTH} characters`);
  }
  const value = parseQuantity(text);
  if (typeof value === 'string') throw invalid(metric, `of ${whose} the ${value}`);
  if (value < 0n) throw invalid(metric, `of ${whose} the value is negative`);
  return value;
}

/** Postgres has no NUL in texts. */
function dimensionOf(text: string | null): string | null {
  return text === null
    ? null
    : text.replaceAll('\0', '\ufffd').slice(0, MAX_DIMENSION_LENGTH).toWellFormed();
}

interface Places {
  readonly organization: number | undefined;
  readonly project: number;
  readonly value: number;
  readonly dimensions: readonly (readonly [name: string, place: number])[];
}

function placesOf(metric: PosthocDeclaration, { columns }: EngineAnswer): Places {
  const { project, organization, value, dimensions } = metric.columns;
  const names = columns.map(({ name }) => name);
  const wanted = [project, organization ?? [], value, dimensions].flat();
  const place = (name: string): number => {
    const found = names.indexOf(name);
    if (found === -1) throw invalid(metric, `it has no column ${name}`);
    if (names.lastIndexOf(name) !== found) throw invalid(metric, `it has two columns ${name}`);
    return found;
  };
  const unknown = names.find((name) => !wanted.includes(name));
  if (unknown !== undefined) {
    throw invalid(metric, `it has a column ${unknown}, which columns does not name`);
  }
  const places = {
    organization: organization === undefined ? undefined : place(organization),
    project: place(project),
    value: place(value),
    dimensions: dimensions.map((name) => [name, place(name)] as const),
  };
  const type = columns[places.value]?.type;
  if (type === 'inexact') {
    throw invalid(
      metric,
      `${value} is a floating-point number, which does not add up exactly; cast what it is made of`,
    );
  }
  if (type !== 'exact') throw invalid(metric, `${value} is no number of an exact type`);
  return places;
}

function invalid({ name }: PosthocDeclaration, reason: string): OdometerError {
  return new OdometerError('target_invalid', { target: `post-hoc metric ${name}`, reason });
}
