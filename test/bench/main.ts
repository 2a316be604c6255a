import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BENCHMARKS, ENTRY_ORDER } from './benchmarks.ts';
import { note } from './figure.ts';
import { type Entry, mergeMeasurements, readDocument, renderDocument } from './report/document.ts';
import { describeMachine } from './report/machine.ts';
import { startServers } from './servers.ts';
import { isQuick, readSettings } from './settings.ts';

/** From test/bench/dist. */
const DOCUMENT = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url));

async function main(): Promise<void> {
  const names = [...BENCHMARKS.keys()];
  const only = process.env.ONLY;
  const chosen = only ? names.filter((name) => name === only) : names;
  if (chosen.length === 0) {
    throw new RangeError(`there is no benchmark ${only}; there are ${names.join(', ')}`);
  }
  const settings = readSettings(process.env);
  const servers = await startServers();
  try {
    const entries: Entry[] = [];
    for (const name of chosen) {
      note(`${name} …`);
      const figures = (await BENCHMARKS.get(name)?.(servers, settings)) ?? [];
      for (const figure of figures) process.stdout.write(`${JSON.stringify(figure)}\n`);
      entries.push({ benchmark: name, measuredOn: new Date().toISOString().slice(0, 10), figures });
    }
    if (isQuick(settings)) {
      note('docs/benchmarks.md is left as it is: this was no full run.');
      return;
    }
    const old = existsSync(DOCUMENT) ? readDocument(readFileSync(DOCUMENT, 'utf8')) : undefined;
    const machine = await describeMachine(servers);
    writeFileSync(DOCUMENT, renderDocument(mergeMeasurements(old, machine, entries, ENTRY_ORDER)));
    note('docs/benchmarks.md is written.');
  } finally {
    await servers.stop();
  }
}

await main();
