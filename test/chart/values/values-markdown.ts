import { row } from '../../documentation/hold-equal.ts';
import type { DocumentedValue } from './documented-values.ts';

/** The tables of values in the chart's README, one for each of the top level. */
export function valuesMarkdown(values: readonly DocumentedValue[]): string {
  const single = values.filter(({ values: within }) => within.length === 0);
  const sections = values.filter(({ values: within }) => within.length > 0);
  return [
    ...section('General', single.flatMap(rows)),
    ...sections.flatMap((value) => section(`\`${value.path}\``, value.values.flatMap(rows))),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`### ${title}`, '', row(['value', 'default', 'what for']), '|---|---|---|', ...lines, ''];
}

function rows(value: DocumentedValue): readonly string[] {
  const { path, comment, values } = value;
  if (comment === undefined && values.length > 0) return values.flatMap(rows);
  return [row([`\`${path}\``, `\`${JSON.stringify(value.value)}\``, comment ?? ''])];
}

/** Paths of what a reader would find without a word on what it is for. */
export function undocumented(value: DocumentedValue): readonly string[] {
  if (value.comment !== undefined) return [];
  return value.values.length > 0 ? value.values.flatMap(undocumented) : [value.path];
}
