import type { LogSource } from '@odometer/domain/posthoc/log-source';
import { type Connection, type DuckDb, literal, literals } from './open-duckdb.ts';

/** Counts lines that could not be read. */
export interface UnmatchedLines {
  count(): Promise<bigint>;
}

/** Stands for a line that does not match, before it is dropped; it is counted by this name. */
const NOTE = 'odometer_unmatched';
const WHOLE = '__whole';

/**
 * Makes the table `logs` over the files: a view, so that they are read once, by the query itself, and only as far as it needs
 * them. Lines that cannot be read are in none of its rows, and are counted while it is read.
 */
export async function createLogs(
  connection: Connection,
  duckDb: DuckDb,
  { format }: LogSource,
  files: readonly string[],
): Promise<UnmatchedLines> {
  if (files.length === 0) {
    const nothing = format.columns.map((name) => `null::varchar as ${quoted(name)}`);
    await connection.run(`create view logs as select ${nothing.join(', ')} where false`);
    return { count: async () => 0n };
  }
  if (format.type === 'delimited') {
    // DuckDB 1.5 ends with an internal error when it meets a line that is no UTF-8 and reads only some of the columns. So all of
    // them are read: `random` keeps the optimizer from seeing that the query needs fewer.
    const all = format.columns.map((name) => `${quoted(name)} := ${quoted(name)}`).join(', ');
    await connection.run(
      `create view logs as
       select ${format.columns.map((name) => `taken.${quoted(name)} as ${quoted(name)}`).join(', ')}
       from (
         select case when random() >= 0 then struct_pack(${all}) end as taken from ${readCsv(files, format)}
       )`,
    );
    return { count: () => rejectedLines(connection) };
  }
  let unmatched = 0n;
  connection.registerScalarFunction(
    duckDb.DuckDBScalarFunction.create({
      name: NOTE,
      returnType: duckDb.BOOLEAN,
      parameterTypes: [duckDb.VARCHAR],
      // Or it would be called once for lines that are the same, or not at all.
      volatile: true,
      mainFunction: (_info, lines, output) => {
        unmatched += BigInt(lines.rowCount);
        for (let i = 0; i < lines.rowCount; i += 1) output.setItem(i, false);
        output.flush();
      },
    }),
  );
  const { pattern, columns } = format;
  const lines = readCsv(files, {
    // Lines as they are: a character that no log has, and no quotes.
    delimiter: '\u0001',
    quote: '',
    escape: '',
    header: false,
    columns: ['line'],
  });
  // All columns come from `found`, which depends on the note, so that no condition of the query is applied before it.
  await connection.run(
    `create view logs as
     select ${columns.map((name) => `found.${quoted(name)} as ${quoted(name)}`).join(', ')}
     from (
       select case when taken.${WHOLE} <> '' then taken when ${NOTE}(line) then taken end as found
       from (
         select line, regexp_extract(line, ${literal(`(${pattern})`)}, ${literals([WHOLE, ...columns])}) as taken
         from ${lines} where line <> ''
       )
     )
     where found is not null`,
  );
  return { count: async () => unmatched + (await rejectedLines(connection)) };
}

/**
 * Not strict: a quote in the middle of a value is part of it, and columns that a provider has appended are ignored. What has
 * too few, or is no UTF-8, is rejected and kept in a table of rejects.
 */
function readCsv(
  files: readonly string[],
  options: {
    readonly delimiter: string;
    readonly quote: string;
    readonly escape: string;
    readonly header: boolean;
    readonly columns: readonly string[];
  },
): string {
  const columns = options.columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return `read_csv(${literals(files)}, auto_detect = false, columns = {${columns}}, header = ${options.header},
    delim = ${literal(options.delimiter)}, quote = ${literal(options.quote)}, escape = ${literal(options.escape)},
    strict_mode = false, store_rejects = true)`;
}

/** The table is there once a file was read. A line may be rejected for several reasons. */
async function rejectedLines(connection: Connection): Promise<bigint> {
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

function quoted(name: string): string {
  return `"${name}"`;
}
