import { expect, test } from '@jest/globals';
import { createProgram } from '@odometer/cli/program';
import { checkInvocation } from './check-invocation.ts';
import { codeOf, type Page, pages } from './markdown.ts';
import { commandsIn } from './shell-words.ts';

// Who reads a page types what it says. So what it says is what the program takes.

const program = createProgram();

test.each(pages().map((page) => [page.file, page] as const))(
  '%s: every call of the odometer command is one that it takes',
  (_file, page) => {
    expect(problemsOf(page)).toEqual([]);
  },
);

test('there are calls in blocks, in text, and within kubectl exec', () => {
  const all = pages().flatMap((page) => [...callsInBlocks(page), ...callsInText(page)]);
  expect(all.length).toBeGreaterThan(150);
});

test.each([
  ['```sh\nodometer bokks\n```', 'there is no command bokks'],
  ['```sh\nodometer close --month 2026-13\n```', '--month does not take 2026-13'],
  ['```sh\nodometer keys create --scope ingest\n```', 'create lacks --name'],
  ['```sh\nodometer dead-letters retry\n```', 'retry lacks an argument'],
  ['```sh\nodometer books acme\n```', 'books has no place for an argument more'],
  [
    '```sh\nkubectl exec -i deploy/a -- node /app/odometer.mjs apply --file x\n```',
    'no option --file',
  ],
  ['```sh\nA=1 ./odometer books --jsn | head\n```', 'no option --jsn'],
  ['with `odometer periods shw`', 'list has no place for an argument more'],
  ['with `odometer verify MONTH --every`', 'no option --every'],
])('it is noticed that %j is wrong', (markdown, problem) => {
  expect(problemsOf({ file: 'page.md', ...codeOf(markdown) }).join()).toContain(problem);
});

interface Call {
  readonly line: number;
  readonly words: readonly string[];
  readonly isWhole: boolean;
}

function problemsOf(page: Page): readonly string[] {
  return [...callsInBlocks(page), ...callsInText(page)].flatMap(({ line, words, isWhole }) =>
    checkInvocation(program, words, { isWhole }).map(
      (problem) => `${page.file}:${line}: odometer ${words.join(' ')}: ${problem}`,
    ),
  );
}

function callsInBlocks({ blocks }: Pick<Page, 'blocks'>): readonly Call[] {
  return blocks
    .filter(({ language }) => language === 'sh' || language === 'bash')
    .flatMap(({ text, line }) =>
      commandsIn(text).flatMap((words) => {
        const rest = argumentsOf(words);
        // The function that stands for the command: its arguments are others'.
        return rest === undefined || rest[0] === '$@' ? [] : [{ line, words: rest, isWhole: true }];
      }),
    );
}

function callsInText({ spans }: Pick<Page, 'spans'>): readonly Call[] {
  return spans.flatMap(({ text, line }) => {
    if (!/^(\.\/)?odometer [a-z-]/.test(text)) return [];
    // `odometer close [--dry-run]` and `odometer books && …` are ways to write; a call in a sentence may leave out the rest.
    const [words = []] = commandsIn(text.replaceAll(/[[\]]/g, '').replace(/&&.*/, ''));
    return [{ line, words: words.slice(1), isWhole: false }];
  });
}

/** What follows the command itself, however it is called; undefined when something else is. */
function argumentsOf(words: readonly string[]): readonly string[] | undefined {
  const program = words.findIndex((word) => !/^\w+=/.test(word));
  if (/^(\.\/)?odometer$/.test(words[program] ?? '')) return words.slice(program + 1);
  const inPod = words.findIndex((word) => word.endsWith('/odometer.mjs'));
  return inPod === -1 ? undefined : words.slice(inPod + 1);
}
