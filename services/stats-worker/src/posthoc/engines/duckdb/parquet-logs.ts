import {
  type FormatOf,
  type ParquetType,
  parquetColumns,
} from '@odometer/domain/posthoc/log-format';
import { type Connection, literal, literals, quoted } from './open-duckdb.ts';

/** DuckDB's names. A decimal has as many places as quantities have. */
export const PARQUET_TYPES: Readonly<Record<ParquetType, string>> = {
  text: 'varchar',
  bigint: 'bigint',
  decimal: 'decimal(38, 12)',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp',
  date: 'date',
};

/**
 * The rows of Parquet. Files may differ in the order of their columns, and older ones lack some, which are null; a column that no
 * file has is a mistake of the declaration, and so is a value that is not of its type.
 *
 * DuckDB's casts round: 1.5 is the bigint 2. What would be another number is an error here, and no usage that nobody can explain.
 */
export async function parquetLogs(
  connection: Connection,
  format: FormatOf<'parquet'>,
  files: readonly string[],
): Promise<string> {
  const declared = parquetColumns(format);
  const types = await typesOf(connection, files);
  const floats = [...declared].filter(
    ([name, type]) => type !== 'double' && isFloat(types.get(name)),
  );
  if (floats.length > 0) await refuseMixed(connection, floats, files);
  const columns = [...declared].map(
    ([name, type]) => `${exactCast(name, type, types.get(name))} as ${quoted(name)}`,
  );
  return `select ${columns.join(', ')} from ${readParquet(files)}`;
}

function readParquet(files: readonly string[]): string {
  return `read_parquet(${literals(files)}, union_by_name = true)`;
}

/** Of the columns of all files together, by their names in small letters. */
async function typesOf(
  connection: Connection,
  files: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const reader = await connection.runAndReadAll(`describe select * from ${readParquet(files)}`);
  return new Map(
    reader.getRows().map(([name, type]) => [String(name).toLowerCase(), String(type)]),
  );
}

function isFloat(type: string | undefined): boolean {
  return type === 'FLOAT' || type === 'DOUBLE';
}

/** Have no more digits than floating point; also what some writers make of a column without values. */
const SMALL = /^U?(TINY|SMALL)INT$|^U?INTEGER$/;

/** Where one file has whole numbers and another floating point, DuckDB makes floating point of all: the former lose digits. */
async function refuseMixed(
  connection: Connection,
  columns: readonly (readonly [string, ParquetType])[],
  files: readonly string[],
): Promise<void> {
  for (const file of files) {
    const types = await typesOf(connection, [file]);
    for (const [name] of columns) {
      const type = types.get(name);
      if (type === undefined || isFloat(type) || SMALL.test(type)) continue;
      throw new Error(
        `column ${name} is ${type} in ${file} and floating point in others: declare it as double`,
      );
    }
  }
}

/** @param from the column's type in the files; undefined: it is in none, as DuckDB will say. */
function exactCast(name: string, type: ParquetType, from: string | undefined): string {
  const column = quoted(name);
  const to = PARQUET_TYPES[type];
  if ((type !== 'bigint' && type !== 'decimal') || from === undefined) {
    return `cast(${column} as ${to})`;
  }
  // The shortest text that means a floating-point number: 0.25 of four bytes would be the decimal 0.249999998976.
  const cast = isFloat(from)
    ? `cast(cast(${column} as varchar) as ${to})`
    : `cast(${column} as ${to})`;
  const back = isFloat(from) ? `cast(${cast} as varchar)` : cast;
  const isExact =
    from === 'VARCHAR'
      ? `regexp_full_match(trim(${column}), ${literal(EXACT_TEXTS[type])})`
      : `cast(${back} as ${from}) = ${column}`;
  const said = `${literal(`column ${name} is declared as ${type}, which would round `)} || ${column}::varchar`;
  return `case when ${column} is null or ${isExact} then ${cast} else error(${said}) end`;
}

/** Texts that are such a number without being rounded. */
const EXACT_TEXTS: Readonly<Record<'bigint' | 'decimal', string>> = {
  bigint: '[+-]?[0-9]+(\\.0*)?',
  decimal: '[+-]?[0-9]*(\\.[0-9]{0,12}0*)?',
};
