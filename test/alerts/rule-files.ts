import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const RULES = fileURLToPath(new URL('../../helm/odometer/files/alerts', import.meta.url));
const TESTS = fileURLToPath(new URL('.', import.meta.url));

/** An alert as Prometheus has it. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Alert[];
}

/** One question of a unit test: which alerts of this name fire then? */
interface Question {
  readonly alertname: string;
  readonly exp_alerts?: readonly unknown[];
}

const yamlFiles = (directory: string): readonly string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(directory, name));

export const RULE_FILES = yamlFiles(RULES);
/** Files of unit tests, by name. */
export const TEST_FILES = yamlFiles(TESTS).map((path) => [basename(path), path] as const);

/** All groups of all files, in the order of the files' names. */
export const GROUPS: readonly RuleGroup[] = RULE_FILES.flatMap(
  (path) => (parse(readFileSync(path, 'utf8')) as { readonly groups: readonly RuleGroup[] }).groups,
);
export const ALERTS: readonly Alert[] = GROUPS.flatMap(({ rules }) => rules);
export const ALERT_NAMES: readonly string[] = [...new Set(ALERTS.map(({ alert }) => alert))];

/** Of all unit tests. */
export const QUESTIONS: readonly Question[] = TEST_FILES.flatMap(([, path]) => {
  const { tests } = parse(readFileSync(path, 'utf8')) as {
    readonly tests: readonly { readonly alert_rule_test: readonly Question[] }[];
  };
  return tests.flatMap(({ alert_rule_test }) => alert_rule_test);
});

/** The numbers that can be set, as they are in the files: name → each occurrence. */
export const THRESHOLDS: ReadonlyMap<string, readonly number[]> = (() => {
  const found = new Map<string, number[]>();
  for (const { expr } of ALERTS) {
    for (const [, number, name = ''] of expr.matchAll(/([0-9.]+) # (\w+)$/gm)) {
      found.set(name, [...(found.get(name) ?? []), Number(number)]);
    }
  }
  return found;
})();
