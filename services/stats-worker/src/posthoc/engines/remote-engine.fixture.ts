import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PosthocEngine } from './engine.ts';

/**
 * An engine whose queries run elsewhere, and go on there when a worker is killed: it knows them by their tokens. What it answers
 * is the project and value of each line of a file.
 */
export function createRemoteEngine(directory: string): PosthocEngine {
  return {
    async start(_query, token) {
      writeFileSync(join(directory, `${token}.query`), '');
      return `query-${token}`;
    },
    async answer(_query, execution, _signal, sink) {
      if (!executions(directory).includes(execution?.id ?? '')) {
        throw new Error(`there is no query ${execution?.id}`);
      }
      const lines = readFileSync(join(directory, 'answer'), 'utf8').trim().split('\n');
      sink?.begin([
        { name: 'project', type: 'other' },
        { name: 'value', type: 'exact' },
      ]);
      await sink?.add(lines.map((line) => line.split(' ')));
      return { columns: [], rows: [], unmatchedLines: 0n, scannedBytes: 0n };
    },
  };
}

/** The queries that were started. */
export function executions(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.query'))
    .map((name) => `query-${name.slice(0, -'.query'.length)}`);
}
