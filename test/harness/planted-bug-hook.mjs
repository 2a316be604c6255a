// Loaded into a service by NODE_OPTIONS: gives Node patched texts in place of compiled files. It runs twice, in the
// process itself, where it registers itself, and as the module loader. Says on standard error what it has replaced, so
// that a test can tell a bug that was planted from one that was not.
import { readFileSync, writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register(import.meta.url);

const sources = JSON.parse(process.env.PLANTED_BUG_SOURCES ?? '{}');

export async function load(url, context, nextLoad) {
  const patched = sources[url];
  if (patched === undefined) return nextLoad(url, context);
  writeSync(2, `planted bug: ${url}\n`);
  return { format: 'module', source: readFileSync(patched, 'utf8'), shortCircuit: true };
}
