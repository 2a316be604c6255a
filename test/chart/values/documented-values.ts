import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A value of the chart: a map with others in it, or what has a row of its own in the README. */
export interface DocumentedValue {
  /** Keys joined by dots, `defaults.probes.startup.enabled`. */
  readonly path: string;
  readonly value: unknown;
  /** The comment above it, when it is one of `# --`. */
  readonly comment: string | undefined;
  /** Of a map without a comment of its own; empty for any other. */
  readonly values: readonly DocumentedValue[];
}

/** The chart's values.yaml with what it says of each. */
export function readDocumentedValues(file: string): readonly DocumentedValue[] {
  const text = readFileSync(file, 'utf8');
  return children('', parse(text), comments(text));
}

function children(
  prefix: string,
  map: Readonly<Record<string, unknown>>,
  commentOf: ReadonlyMap<string, string>,
): readonly DocumentedValue[] {
  return Object.entries(map).map(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const values = isMap(value) ? children(path, value, commentOf) : [];
    return { path, value, comment: commentOf.get(path), values };
  });
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Paths of what must not be blank, those of maps before what is in them: all that the templates take for granted. What a
 * component says of a knob of `defaults` may be taken away, and so may what is null, or free.
 */
export function requiredPaths(values: readonly DocumentedValue[]): readonly string[] {
  const knobs = new Set(
    values.find(({ path }) => path === 'defaults')?.values.map(({ path }) => keyOf(path)),
  );
  const isKnob = (path: string) => /^components\.\w+\.\w+$/.test(path) && knobs.has(keyOf(path));
  const required = (value: DocumentedValue): readonly string[] => {
    const { path, comment, values: within } = value;
    if (value.value === null || MAY_BE_NULL.has(keyOf(path)) || isKnob(path)) return [];
    return [path, ...(comment === undefined ? within.flatMap(required) : [])];
  };
  return values.flatMap(required);
}

/** Where null means something though it is not the default. */
const MAY_BE_NULL: ReadonlySet<string> = new Set([
  'tolerations',
  'priorityClassName',
  'targetCPUUtilizationPercentage',
]);

export function keyOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** Comments `# -- …` by the path of the key below them. The file is ours: two spaces a level, a key a line. */
function comments(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const parents: string[] = [];
  let comment: string | undefined;
  for (const line of text.split('\n')) {
    const [, spaces = '', rest = ''] = /^( *)(.*)$/.exec(line) ?? [];
    const said = /^# -- (.*)$/.exec(rest)?.[1];
    const key = /^([A-Za-z0-9]+):/.exec(rest)?.[1];
    if (said !== undefined) comment = said;
    else if (key !== undefined) {
      parents.splice(spaces.length / 2, parents.length, key);
      if (comment !== undefined) found.set(parents.join('.'), comment);
      comment = undefined;
    }
  }
  return found;
}
