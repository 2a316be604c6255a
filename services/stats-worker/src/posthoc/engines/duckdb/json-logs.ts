import { type FormatOf, jsonColumns } from '@odometer/domain/posthoc/log-format';
import { wholeLines } from './delimited-logs.ts';
import { literals, quoted } from './open-duckdb.ts';
import { matchedLines } from './unmatched-lines.ts';

/** The rows of lines that are JSON objects. */
export function jsonLogs(format: FormatOf<'json'>, files: readonly string[]): string {
  const columns = jsonColumns(format);
  const pointers = [...columns.values()].map(jsonPointer);
  return matchedLines(
    [...columns.keys()].map((name, i) => `found[${i + 1}] as ${quoted(name)}`),
    `select line, object is not null and regexp_matches(line, '^\\s*\\{') as matches,
       json_extract_string(object, ${literals(pointers)}) as taken
     from (select line, try_cast(line as json) as object from ${wholeLines(files)})`,
  );
}

/** https://www.rfc-editor.org/rfc/rfc6901: unlike a path of DuckDB, it can name whatever a property may be called. */
function jsonPointer(steps: readonly (string | number)[]): string {
  return steps
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
