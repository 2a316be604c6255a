import {
  type FormatOf,
  type ParquetType,
  parquetColumns,
} from '@odometer/domain/posthoc/log-format';
import { literals, quoted } from './open-duckdb.ts';

/** DuckDB's names. A decimal has as many places as quantities have. */
export const PARQUET_TYPES: Readonly<Record<ParquetType, string>> = {
  text: 'varchar',
  bigint: 'bigint',
  decimal: 'decimal(38, 9)',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp',
  date: 'date',
};

/**
 * The rows of Parquet. Files may differ in the order of their columns, and older ones lack some, which are null; a column that no
 * file has is a mistake of the declaration, and so is a value that is not of its type.
 */
export function parquetLogs(format: FormatOf<'parquet'>, files: readonly string[]): string {
  const columns = [...parquetColumns(format)].map(
    ([name, type]) => `cast(${quoted(name)} as ${PARQUET_TYPES[type]}) as ${quoted(name)}`,
  );
  return `select ${columns.join(', ')} from read_parquet(${literals(files)}, union_by_name = true)`;
}
