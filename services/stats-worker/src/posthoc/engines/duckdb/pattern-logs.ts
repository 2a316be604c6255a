import type { FormatOf } from '@odometer/domain/posthoc/log-format';
import { wholeLines } from './delimited-logs.ts';
import { literal, literals, quoted } from './open-duckdb.ts';
import { matchedLines } from './unmatched-lines.ts';

/** The rows of lines that a pattern takes apart. */
export function patternLogs(
  { pattern, columns }: FormatOf<'pattern'>,
  files: readonly string[],
): string {
  return matchedLines(
    columns.map((name) => `found.${quoted(name)} as ${quoted(name)}`),
    `select line, regexp_matches(line, ${literal(pattern)}) as matches,
       regexp_extract(line, ${literal(pattern)}, ${literals(columns)}) as taken
     from ${wholeLines(files)}`,
  );
}
