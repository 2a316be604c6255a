import type { FormatOf } from '@odometer/domain/posthoc/log-format';
import { type Connection, literal, literals, quoted } from './open-duckdb.ts';

/** How files are read. */
export interface Reading {
  readonly files: readonly string[];
  /**
   * Whether all columns of delimited lines are read, also those that the query does not need; `answerFrom` says when it is
   * necessary, and what it costs.
   */
  readonly isWhole: boolean;
}

/** Characters that no log has. */
const NO_DELIMITER = '\u0001';
const NO_NULL = '\u0002';

/** The rows of delimited lines. */
export function delimitedLogs(format: FormatOf<'delimited'>, { files, isWhole }: Reading): string {
  const { columns } = format;
  const read = readCsv(files, format);
  if (!isWhole) return `select ${columns.map(quoted).join(', ')} from ${read}`;
  const all = columns.map((name) => `${quoted(name)} := ${quoted(name)}`).join(', ');
  // `random` keeps the optimizer from seeing that the query needs fewer of them.
  return `select ${columns.map((name) => `taken.${quoted(name)} as ${quoted(name)}`).join(', ')}
    from (select case when random() >= 0 then struct_pack(${all}) end as taken from ${read})`;
}

/** Lines as they are, with no delimiter and no quotes, in a column `line`. Those that are empty are nothing. */
export function wholeLines(files: readonly string[]): string {
  const read = readCsv(files, {
    delimiter: NO_DELIMITER,
    quote: '',
    escape: '',
    header: false,
    columns: ['line'],
  });
  return `(select coalesce(line, ${literal(NO_NULL)}) as line from ${read} where line is distinct from '')`;
}

/**
 * Not strict: a quote in the middle of a value is part of it, and columns that a provider has appended are ignored. What has
 * too few, or is no UTF-8, is rejected and kept in a table of rejects. An empty field is an empty text, as Athena has it.
 */
function readCsv(
  files: readonly string[],
  options: Pick<FormatOf<'delimited'>, 'delimiter' | 'quote' | 'escape' | 'header' | 'columns'>,
): string {
  const columns = options.columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  const escaped = options.quote === '' ? '' : options.escape;
  return `read_csv(${literals(files)}, auto_detect = false, columns = {${columns}}, header = ${options.header},
    delim = ${literal(options.delimiter)}, quote = ${literal(options.quote)}, escape = ${literal(escaped)},
    nullstr = ${literal(NO_NULL)}, strict_mode = false, store_rejects = true)`;
}

/** The table is there once a file was read. A line may be rejected for several reasons. */
export async function rejectedLines(connection: Connection): Promise<bigint> {
  const tables = await connection.runAndReadAll(
    `select 1 from duckdb_tables() where table_name = 'reject_errors'`,
  );
  if (tables.currentRowCount === 0) return 0n;
  const reader = await connection.runAndReadAll(
    'select count(*) from (select distinct scan_id, file_id, line from reject_errors)',
  );
  const [count] = reader.getRows()[0] ?? [];
  return typeof count === 'bigint' ? count : 0n;
}
