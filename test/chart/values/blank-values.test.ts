import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { CHART, type HelmOptions, type Values } from '../harness/helm.ts';
import { refusalOf, render, valuesFile } from '../harness/rendered-chart.ts';
import { isMap } from './documented-values.ts';

// A key without a value is null, and null takes the chart's own default away: templates find nothing where there was a
// map or a text. Each key of values.yaml is left blank here, those that do not hide one another at once.

const defaults: Values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
const required = new Set(
  readFileSync(join(CHART, 'files/required-values.txt'), 'utf8').trim().split('\n'),
);

const paths = pathsIn('', defaults);

function pathsIn(prefix: string, map: Values): readonly string[] {
  return Object.entries(map).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    return [path, ...(isMap(value) ? pathsIn(`${path}.`, value) : [])];
  });
}

/** Values that leave these blank, on top of a file that has as much as possible. */
function blank(file: string, blanks: readonly string[]): HelmOptions {
  const values: Record<string, unknown> = {};
  for (const path of blanks) {
    const keys = path.split('.');
    let map = values;
    for (const key of keys.slice(0, -1)) {
      map[key] ??= {};
      map = map[key] as Record<string, unknown>;
    }
    map[keys.at(-1) ?? ''] = null;
  }
  return { files: [valuesFile(file).path], values };
}

const blankLines = (refusal: string): readonly string[] =>
  [...refusal.matchAll(/^- (\S+) is blank: write a value behind it/gm)].map(
    ([, path]) => path ?? '',
  );

test.each([1, 2, 3, 4])(
  'every key at depth %i that must not be blank is named, with what to do',
  (depth) => {
    const own = paths.filter((path) => required.has(path) && path.split('.').length === depth);
    expect(own.length).toBeGreaterThan(0);
    const refusal = refusalOf(blank('ci/full', own));
    expect([...blankLines(refusal)].sort()).toEqual([...own].sort());
    expect(refusal).not.toMatch(
      /nil pointer|wrong type|error calling(?! (fail|include: .*error calling fail))/,
    );
  },
);

test.each(['ci/full', 'ci/bundled'])('%s renders with every other key left blank', (file) => {
  const others = paths.filter(
    // Without the first the scheduler would roll, and what all others have leaves no memory to queries: refused-values.test.ts.
    (path) =>
      !(
        required.has(path) ||
        path.startsWith('components.scheduler.strategy') ||
        /^components\.posthocWorker\.(resources|heapPercent)/.test(path)
      ),
  );
  expect(others.length).toBeGreaterThan(50);
  // What is blank and in something blank says nothing more.
  const outermost = others.filter((path) => !others.some((other) => path.startsWith(`${other}.`)));
  const inner = others.filter((path) => !others.some((other) => other.startsWith(`${path}.`)));
  for (const blanks of [outermost, inner]) {
    expect(render(blank(file, blanks)).length).toBeGreaterThan(10);
  }
});

test('a section of a values file whose lines are all comments is named', () => {
  const refusal = refusalOf({
    files: [valuesFile('ci/minimal').path],
    values: { postgres: { host: null }, monitoring: null },
  });
  expect(blankLines(refusal)).toEqual(['postgres.host', 'monitoring']);
});
