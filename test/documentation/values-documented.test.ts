import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { codeOf, type Page, pages } from './markdown.ts';
import { commandsIn } from './shell-words.ts';

// A value that the documentation names is one that the chart has.

const VALUES = parse(
  readFileSync(fileURLToPath(new URL('../../helm/odometer/values.yaml', import.meta.url)), 'utf8'),
) as Tree;

type Tree = { readonly [key: string]: unknown };

test.each(pages().map((page) => [page.file, page] as const))(
  '%s: every value of the chart that it names is one',
  (_file, page) => {
    expect(unknownValues(page)).toEqual([]);
  },
);

test('there are values in text, in --set and in files', () => {
  const all = pages();
  expect(all.flatMap(inText).length).toBeGreaterThan(50);
  expect(all.flatMap(inCommands).length).toBeGreaterThan(3);
  expect(all.flatMap(inFiles).length).toBeGreaterThan(10);
});

test.each([
  'with `metering.topicTemplate`',
  'with `components.ingestApi.replica`',
  'with `postgres.sslMode.strict: true`',
  '```sh\nhelm install a ./helm/odometer --set postgres.hots=a,redis.host=b\n```',
  '```yaml\nredis:\n  hosts: a\n```',
  '```yaml\ncomponents:\n  mqttCounter:\n    filter: []\n```',
])('it is noticed that %j is wrong', (markdown) => {
  expect(unknownValues({ file: 'page.md', ...codeOf(markdown) })).not.toEqual([]);
});

interface Named {
  readonly line: number;
  readonly path: string;
}

function unknownValues(page: Page): readonly string[] {
  return [...inText(page), ...inCommands(page), ...inFiles(page)]
    .filter(({ path }) => !exists(path.split('.')))
    .map(({ line, path }) => `${page.file}:${line}: ${path}`);
}

/** `postgres.host`, `migrations.strategy: job`, `components.mqttCounter.enabled=false` */
function inText({ spans }: Page): readonly Named[] {
  return spans.flatMap(({ text, line }) => {
    const [, path = ''] = /^([a-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+)\s*(?:[:=].*)?$/.exec(text) ?? [];
    const [first = ''] = path.split('.');
    // `limits.md` and `image.png` are files; `aws.json`, too.
    return first in VALUES && !/\.(md|ya?ml|json|tpl|mjs)$/.test(path) ? [{ line, path }] : [];
  });
}

function inCommands({ blocks, spans }: Page): readonly Named[] {
  return [...blocks.filter(({ language }) => language === 'sh'), ...spans].flatMap(
    ({ text, line }) =>
      commandsIn(text)
        .filter(([program]) => program === 'helm')
        .flatMap((words) =>
          words.flatMap((word, index) =>
            /^--set/.test(words[index - 1] ?? '')
              ? word.split(',').map((each) => ({ line, path: each.replace(/=.*/s, '') }))
              : [],
          ),
        ),
  );
}

/** Blocks of YAML whose keys begin as the chart's do; others are declarations, objects of Kubernetes, …. */
function inFiles({ blocks }: Page): readonly Named[] {
  return blocks
    .filter(({ language }) => language === 'yaml')
    .flatMap(({ text, line }) =>
      parseAllDocuments(text).flatMap((document) => {
        const tree: unknown = document.toJS();
        if (!isTree(tree)) return [];
        const keys = Object.keys(tree);
        const isValues = keys.length > 0 && keys.every((key) => key in VALUES);
        return isValues ? leavesOf(tree).map((path) => ({ line, path })) : [];
      }),
    );
}

function leavesOf(tree: Tree, prefix = ''): readonly string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) && Object.keys(value).length > 0
      ? leavesOf(value, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  );
}

/** Whatever `defaults` has, each component has as well; maps that are empty by default are the user's own. */
function exists(path: readonly string[]): boolean {
  const [first, second, ...rest] = path;
  if (first === 'components' && second !== undefined) {
    const component = Reflect.get(VALUES.components as Tree, second) as unknown;
    if (!isTree(component)) return false;
    return rest.length === 0 || within(component, rest) || within(VALUES.defaults, rest);
  }
  return within(VALUES, path);
}

function within(tree: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  if (!isTree(tree)) return false;
  if (Object.keys(tree).length === 0) return true;
  return key in tree && within(tree[key], rest);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
