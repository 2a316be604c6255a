import type { MeterQuery, MeterQueryRow } from '@odometer/database/query/meter-query';

/** The answer as OpenMeter writes CSV: a column for the subject when there are subjects, and one for each dimension. */
export function answerCsv({ groupBy }: MeterQuery, rows: readonly MeterQueryRow[]): string {
  const hasSubjects = groupBy.some(({ by }) => by === 'subject');
  const columns = groupBy.filter(({ by }) => by !== 'subject');
  const header = [
    'window_start',
    'window_end',
    ...(hasSubjects ? ['subject'] : []),
    ...columns.map((each) => (each.by === 'dimension' ? each.name : 'customer_id')),
    'value',
  ];
  const lines = rows.map((row) => [
    secondText(row.startMs),
    secondText(row.endMs),
    ...(hasSubjects ? [row.subject] : []),
    ...columns.map((each) => (each.by === 'dimension' ? row.groupBy[each.name] : row.organization)),
    sixDecimals(row.value),
  ]);
  return [header, ...lines].map((line) => `${line.map(field).join(',')}\n`).join('');
}

function secondText(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

function field(text: string | null | undefined): string {
  if (text === null || text === undefined) return '';
  return /[",\r\n]|^\s/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const DECIMALS = 6;

/** C's `%f`, exactly: half of the last place is rounded away from zero. @param value decimal text. */
function sixDecimals(value: string): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) ?? [];
  const kept = BigInt(whole + fraction.slice(0, DECIMALS).padEnd(DECIMALS, '0'));
  const rounded = (fraction[DECIMALS] ?? '0') >= '5' ? kept + 1n : kept;
  const digits = rounded.toString().padStart(DECIMALS + 1, '0');
  return `${sign}${digits.slice(0, -DECIMALS)}.${digits.slice(-DECIMALS)}`;
}
