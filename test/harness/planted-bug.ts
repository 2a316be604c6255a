import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const HOOK = new URL('./planted-bug-hook.mjs', import.meta.url);

/** One replacement in a compiled file. */
export interface Patch {
  /** From the repository's root, e.g. `packages/database/dist/event-keys.js`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * A bug that exists in test processes only: Node loads the patched text in place of the compiled file. The product has no
 * switch for it, and its files are not touched.
 */
export interface PlantedBug {
  readonly name: string;
  /** What a process of this service needs in its environment to have the bug; nothing for the others. */
  environment(service: string): Readonly<Record<string, string>>;
}

/**
 * @throws when a text to replace is not in its file exactly once: the code has changed, and the bug must be planted anew.
 */
export function plantBug(
  name: string,
  services: readonly string[],
  patches: readonly Patch[],
): PlantedBug {
  const directory = temporaryDirectory('planted-bug');
  const texts = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const path = join(REPOSITORY, file);
    const text = texts.get(path) ?? readFileSync(path, 'utf8');
    const times = text.split(find).length - 1;
    if (times !== 1) {
      throw new Error(
        `to plant "${name}", this must be in ${file} once, and is ${times} times:\n${find}`,
      );
    }
    texts.set(
      path,
      text.replace(find, () => replace),
    );
  }
  const sources = Object.fromEntries(
    Array.from(texts, ([path, text], i) => {
      const patched = join(directory, `${i}.js`);
      writeFileSync(patched, text);
      return [pathToFileURL(path).href, patched];
    }),
  );
  return {
    name,
    environment: (service) =>
      services.includes(service)
        ? {
            NODE_OPTIONS: `--no-warnings --import=${HOOK.href}`,
            PLANTED_BUG_SOURCES: JSON.stringify(sources),
          }
        : {},
  };
}
