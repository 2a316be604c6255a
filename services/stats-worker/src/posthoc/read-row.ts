import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';
import { cutText } from './engines/cut-text.ts';
import type { EngineColumn } from './engines/engine.ts';

/** Longer ones are cut off: they are what clients sent, and none may stop everybody's usage from being counted. */
const MAX_DIMENSION_LENGTH = 1_024;
/** More than any quantity that we take has. */
const MAX_VALUE_LENGTH = 300;

/** @throws OdometerError `target_invalid` */
export function quantityOf(metric: PosthocDeclaration, whose: string, text: string | null): Scaled {
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
export function dimensionOf(text: string | null): string | null {
  return text === null
    ? null
    : cutText(text, MAX_DIMENSION_LENGTH).replaceAll('\0', '\ufffd').toWellFormed();
}

/** Where in a row is what. */
export interface Places {
  readonly organization: number | undefined;
  readonly project: number;
  readonly value: number;
  readonly dimensions: readonly (readonly [name: string, place: number])[];
}

/** @throws OdometerError `target_invalid` */
export function placesOf(metric: PosthocDeclaration, columns: readonly EngineColumn[]): Places {
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
