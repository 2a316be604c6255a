import { hash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHART = fileURLToPath(new URL('../../../helm/odometer', import.meta.url));
const KEPT = fileURLToPath(new URL('../../../.odometer/chart-renderings', import.meta.url));

/**
 * What was made under the same key for the same chart before, by this test file or another; else makes it.
 *
 * @param make its result must survive JSON.
 */
export function kept<Result>(key: unknown, make: () => Result): Result {
  directory ??= makeDirectory();
  const file = join(directory, `${hash('sha256', JSON.stringify(key))}.json`);
  const known: Result | undefined = readKept(file);
  if (known !== undefined) return known;
  const result = make();
  // Somebody edits the chart meanwhile: nobody knows what this was made of.
  if (ownDirectory() !== directory) return result;
  // Written aside and renamed, because jest's workers may be at it at the same time.
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(result));
  renameSync(`${file}.${process.pid}`, file);
  return result;
}

const DAY_MS = 86_400_000;

/** Of this content of the chart; chosen once, because a chart that changes under a test is nobody's. */
let directory: string | undefined;

function makeDirectory(): string {
  const own = ownDirectory();
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(dirname(own))) {
    const other = join(KEPT, name);
    if (Date.now() - statSync(other).mtimeMs > DAY_MS) rmSync(other, { recursive: true });
  }
  return own;
}

/** Named for what the chart is made of. */
function ownDirectory(): string {
  const content = readdirSync(CHART, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => [file, hash('sha256', readFileSync(file))]);
  return join(KEPT, hash('sha256', JSON.stringify(content)));
}

function readKept<Result>(file: string): Result | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
