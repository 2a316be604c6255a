import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

// A review that names what is not there is none.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const REVIEW = read('docs/chart-review.md');
const ROWS = REVIEW.split('\n').flatMap((line) => {
  const [, number, , answer] = /^\| (\d+) \| (.*) \| (.*) \|$/.exec(line) ?? [];
  return number === undefined || answer === undefined ? [] : [{ number: Number(number), answer }];
});

function read(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}

test('each of the 48 points is there once, in order', () => {
  expect(ROWS.map(({ number }) => number)).toEqual(Array.from({ length: 48 }, (_, i) => i + 1));
});

test.each(ROWS)('point $number is answered by tests, files and jobs that exist', ({ answer }) => {
  const missing = answer.split(' · ').flatMap((part) => {
    const [, file = '', title] = /^(?:not here: )?`([\w./-]+)`(?:: “(.*)”)?/.exec(part) ?? [];
    const [, job] = /, job `([\w-]+)`$/.exec(part) ?? [];
    if (file === '') return part.startsWith('not here: ') ? [] : [part];
    if (!existsSync(join(REPOSITORY, file))) return [part];
    if (title !== undefined && !read(file).includes(title)) return [part];
    const jobs = job === undefined ? {} : (parse(read(file)) as { jobs: object }).jobs;
    return job !== undefined && !(job in jobs) ? [part] : [];
  });
  expect(missing).toEqual([]);
  // What only somebody else could try is no answer by itself.
  expect(answer.split(' · ').some((part) => part.startsWith('`'))).toBe(true);
});
