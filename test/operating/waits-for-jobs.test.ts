import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

// Helm's --wait looks at pods, and those wait for the migration: when it fails, they are not ready, and that is all that
// Helm would say.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const filesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(REPOSITORY, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);

const lines = [
  ...filesIn('docs', '.md'),
  ...filesIn('docs/runbooks', '.md'),
  'helm/odometer/README.md',
  ...filesIn('scripts/cluster', '.sh'),
  ...filesIn('test/cluster', '.sh'),
].flatMap((file) =>
  readFileSync(join(REPOSITORY, file), 'utf8')
    .replaceAll(/ \\\n */g, ' ')
    .split('\n')
    .filter((line) => /\bhelm(_here)?\b.*\b(install|upgrade|rollback)\b.* --wait\b/.test(line))
    .map((line) => [file, line.trim()] as const),
);

test('there are installations, upgrades and ways back that wait', () => {
  expect(lines.length).toBeGreaterThan(8);
});

test.each(lines)('%s waits for the migration, too: %s', (_file, line) => {
  expect(line).toMatch(/ --wait( |$).*--wait-for-jobs( |$)|--wait-for-jobs .*--wait /);
});
