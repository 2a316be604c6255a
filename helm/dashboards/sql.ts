/** The days that the dashboard's time range touches, of a column of dates. */
export function daysShown(date: string): string {
  return `${date} between ($__timeFrom()::timestamptz at time zone 'UTC')::date and ($__timeTo()::timestamptz at time zone 'UTC')::date`;
}

/** A target for rows as they are. */
export function rows(query: string): readonly object[] {
  return [target(query, 'table')];
}

/** A target for lines: the column `time`, and one per line. */
export function series(query: string): readonly object[] {
  return [target(query, 'time_series')];
}

function target(query: string, format: string): object {
  const indent = /\n( *)\S/.exec(query)?.[1] ?? '';
  const rawSql = query.replaceAll(`\n${indent}`, '\n').trim();
  return { rawSql, format, rawQuery: true, editorMode: 'code' };
}
