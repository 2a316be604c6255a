import type { StatRow } from '@odometer/database/reading/stat-columns';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { figure } from '../http/schemas.ts';

type Figures<Column extends string> = { readonly [Name in Column]: typeof figure };

/** The members that these columns become in an answer. */
export function figureMembers<const Column extends string>(
  columns: readonly Column[],
): Figures<Column> {
  return Object.fromEntries(
    columns.map((column) => [column, figure]),
  ) as unknown as Figures<Column>;
}

/** The same, for columns that may be null. */
export function nullableFigureMembers<const Column extends string>(columns: readonly Column[]) {
  const nullable = z.nullable(figure);
  return Object.fromEntries(columns.map((column) => [column, nullable])) as unknown as {
    readonly [Name in Column]: typeof nullable;
  };
}

/** These columns of a row as figures. */
export function figuresOf(columns: readonly string[], row: StatRow): Record<string, unknown> {
  return Object.fromEntries(
    columns.map((column) => {
      const text = row[column];
      return [column, typeof text === 'string' ? jsonFigure(text) : null];
    }),
  );
}
