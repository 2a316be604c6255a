// As harness/planted-bug-hook.mjs does for a service's compiled files, gives Node patched texts in place of TypeScript
// sources. Says on standard output what it has replaced, so that a test can tell a bug that was planted from one that was not.
import { readFileSync, writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { transform } from '@swc/core';

if (isMainThread) register(import.meta.url);

const sources = JSON.parse(process.env.PLANTED_BUG_SOURCES ?? '{}');

export async function load(url, context, nextLoad) {
  const patched = sources[url];
  if (patched === undefined) return nextLoad(url, context);
  writeSync(1, `planted bug: ${url}\n`);
  const { code } = await transform(readFileSync(patched, 'utf8'), {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'es6' },
  });
  return { format: 'module', source: code, shortCircuit: true };
}
