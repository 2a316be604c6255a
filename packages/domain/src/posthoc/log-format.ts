import { z } from 'zod';
import { parseValuePath } from '../value-path.ts';

const columnName = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'should be small letters, digits and _');

const MAX_COLUMNS = 200;

const columnList = z
  .array(columnName)
  .min(1)
  .max(MAX_COLUMNS)
  .refine((names) => new Set(names).size === names.length, 'should name each column once');

/** Columns with something to each of them. */
function columnMap<Value extends z.ZodType>(value: Value) {
  return z
    .record(columnName, value)
    .refine((columns) => Object.keys(columns).length > 0, 'should have a column')
    .refine((columns) => Object.keys(columns).length <= MAX_COLUMNS, 'are too many columns');
}

const character = z.string().length(1);

/** Lines of fields with a delimiter between them: CSV, and the logs of AWS load balancers. All columns are text. */
const delimited = z.strictObject({
  type: z.literal('delimited'),
  delimiter: character.default(','),
  /**
   * Empty: quotes are characters like any other, and each line is by itself. Otherwise a quote that is not closed makes a value of
   * the lines up to the next one, and nobody can tell.
   */
  quote: z.string().max(1).default('"'),
  /** Before a quote that is part of a value; a quote itself is as good for files that double them. */
  escape: character.default('"'),
  /** Whether a file's first line names its columns, and is left out. */
  header: z.boolean().default(false),
  /** The first columns of each line, in their order; further ones are ignored, because providers append some. */
  columns: columnList,
});

/** Lines that a regular expression takes apart. All columns are text. */
const pattern = z.strictObject({
  type: z.literal('pattern'),
  /** RE2 (https://github.com/google/re2/wiki/Syntax), with a group for each column. */
  pattern: z.string().min(1).max(10_000),
  columns: columnList,
});

const jsonPath = z
  .string()
  .max(1_024)
  .refine((path) => (parseValuePath(path)?.length ?? 0) > 0, 'should be like $.data.user_id');

/** Lines that are JSON objects each. All columns are text: a value's own, and JSON of what has parts. */
const json = z.strictObject({
  type: z.literal('json'),
  /** Properties by their names, or a path to each column. What an object has not is null. */
  columns: z.union([columnList, columnMap(jsonPath)]),
});

/** What a column of Parquet may be: of no other type two engines say the same. `inexact` ones are refused as values. */
const parquetType = z.enum(['text', 'bigint', 'decimal', 'double', 'boolean', 'timestamp', 'date']);
export type ParquetType = z.infer<typeof parquetType>;

/** Files of Apache Parquet, which have no lines, so that none can be unmatched. */
const parquet = z.strictObject({
  type: z.literal('parquet'),
  /** Columns of the files, in any case of letters: as text, or of the type that is said. */
  columns: z.union([columnList, columnMap(parquetType)]),
});

export const logFormatSchema = z.discriminatedUnion('type', [delimited, pattern, json, parquet]);

export type LogFormat = z.infer<typeof logFormatSchema>;
export type FormatOf<Type extends LogFormat['type']> = Extract<LogFormat, { readonly type: Type }>;

/** The columns of the table `logs`, in their order. */
export function columnNames({ columns }: Pick<LogFormat, 'columns'>): readonly string[] {
  return Array.isArray(columns) ? columns : Object.keys(columns);
}

/** Where the columns of JSON are: steps from the object to each of them. */
export function jsonColumns({
  columns,
}: FormatOf<'json'>): ReadonlyMap<string, readonly (string | number)[]> {
  if (Array.isArray(columns)) return new Map(columns.map((name) => [name, [name]]));
  return new Map(
    Object.entries(columns).map(([name, path]) => [name, parseValuePath(path) ?? [name]]),
  );
}

export function parquetColumns({ columns }: FormatOf<'parquet'>): ReadonlyMap<string, ParquetType> {
  if (Array.isArray(columns)) return new Map(columns.map((name) => [name, 'text']));
  return new Map(Object.entries(columns));
}
