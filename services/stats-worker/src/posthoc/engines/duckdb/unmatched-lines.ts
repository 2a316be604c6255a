import type { Connection, DuckDb } from './open-duckdb.ts';

/** Takes a line that does not match, and is false. */
const NOTE = 'odometer_unmatched';

/**
 * Registers the function that lines are noted by, which do not match, before they are dropped: a second pass over the files would
 * double the time.
 */
export function noteUnmatched(
  connection: Connection,
  duckDb: DuckDb,
): { readonly lines: () => bigint } {
  let lines = 0n;
  connection.registerScalarFunction(
    duckDb.DuckDBScalarFunction.create({
      name: NOTE,
      returnType: duckDb.BOOLEAN,
      parameterTypes: [duckDb.VARCHAR],
      // Or it would be called once for lines that are the same, or not at all.
      volatile: true,
      mainFunction: (_info, noted, output) => {
        lines += BigInt(noted.rowCount);
        for (let i = 0; i < noted.rowCount; i += 1) output.setItem(i, false);
        output.flush();
      },
    }),
  );
  return { lines: () => lines };
}

/**
 * Rows of what was taken from lines, without lines of which nothing was. All columns come from `found`, which depends on the
 * note, so that no condition of the query is applied before it.
 *
 * @param columns what each column is of `found`
 * @param taken a query of `line`, `matches` and `taken`
 */
export function matchedLines(columns: readonly string[], taken: string): string {
  return `select ${columns.join(', ')}
    from (select case when matches then taken when ${NOTE}(line) then taken end as found from (${taken}))
    where found is not null`;
}
