import { hostname } from 'node:os';
import { type ConfigRow, describeConfig, type Variables } from '@odometer/service-kit/config';
import { serviceVariables } from '@odometer/service-kit/service-variables';
import { row } from './hold-equal.ts';

/** The text of docs/configuration.md: what all processes have in common, then each one's own. */
export function configurationMarkdown(processes: Readonly<Record<string, Variables>>): string {
  const all = Object.values(processes).map((variables) => describeConfig(variables));
  const common = unique([...describeConfig(serviceVariables), ...shared(all)]);
  return [
    '# Configuration',
    '',
    'A process is configured by its environment, read once at its start. Everything that is wrong is reported together, with',
    'the nearest valid name for one that is misspelt, and the process ends with exit code 78. `--validate` checks and ends.',
    'An empty variable counts as absent.',
    '',
    'Generated from each `config.ts`; refresh with `UPDATE_DOCS=1 pnpm jest test/configuration-documented.test.ts`.',
    '',
    '## Common',
    '',
    ...table(common),
    ...Object.entries(processes).flatMap(([name, variables]) => {
      const own = describeConfig(variables).filter(
        (row) => !common.some((each) => isSame(each, row)),
      );
      return own.length === 0 ? [] : ['', `## ${name}`, '', ...table(own)];
    }),
    '',
  ].join('\n');
}

/** What more than one process has, in the same words. */
function shared(all: readonly (readonly ConfigRow[])[]): readonly ConfigRow[] {
  const count = (row: ConfigRow): number => all.flat().filter((each) => isSame(each, row)).length;
  return all.flat().filter((row) => count(row) > 1);
}

function isSame(a: ConfigRow, b: ConfigRow): boolean {
  return a.env === b.env && a.why === b.why;
}

function unique(rows: readonly ConfigRow[]): readonly ConfigRow[] {
  return rows.filter((row, index) => rows.findIndex((each) => isSame(each, row)) === index);
}

function table(rows: readonly ConfigRow[]): readonly string[] {
  return [
    '| variable | expected | default | what for |',
    '|---|---|---|---|',
    ...rows.map((each) => row([`\`${each.env}\``, each.expected, defaultText(each), each.why])),
  ];
}

function defaultText(each: ConfigRow): string {
  if (each.default === 'required' || each.default === '') return each.default;
  // The documentation must not be that of the machine it was written on.
  return each.env === 'ODOMETER_INSTANCE' && each.default === hostname()
    ? "the host's name"
    : `\`${each.default}\``;
}
