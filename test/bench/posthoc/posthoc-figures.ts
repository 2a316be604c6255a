import { deepStrictEqual } from 'node:assert';
import { rmSync } from 'node:fs';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { cpuTimeMs, peakMemoryBytes } from '../cpu-time.ts';
import { type Figure, note } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { type Program, startProgram } from '../start-program.ts';
import { median, rounded } from '../statistics.ts';
import { writeAlbLogs } from './alb-logs.ts';
import {
  type EngineCommand,
  MEMORY_MB,
  type QueryOptions,
  type QueryResult,
  START_MS,
} from './posthoc-query.ts';

const LINES = 5_000_000;
const MAX_RATIO = 1.15;

interface Sides {
  readonly ours: Program<EngineCommand, QueryResult>;
  readonly theirs: Program<'run', QueryResult>;
}

/** A window of a post-hoc metric over compressed logs, against DuckDB's own query over the same files. */
export async function posthocDuckDbFigures(
  _servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const lines = Math.max(20_000, Math.round(LINES * settings.scale));
  const directory = temporaryDirectory('bench-logs');
  try {
    note(`  writing ${lines} lines`);
    const bytes = writeAlbLogs(directory, lines, START_MS);
    const start = <Command>(name: string) =>
      startProgram<QueryOptions, Command, QueryResult>(import.meta.url, name, { directory });
    const [ours, theirs] = await Promise.all([
      start<EngineCommand>('engine-side'),
      start<'run'>('plain-side'),
    ]);
    try {
      return await measure(settings, { ours, theirs, lines, bytes });
    } finally {
      await Promise.all([ours.stop(), theirs.stop()]);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(
  settings: Settings,
  sides: Sides & { readonly lines: number; readonly bytes: number },
): Promise<readonly Figure[]> {
  const { ours, theirs, lines, bytes } = sides;
  const idleBytes = peakMemoryBytes(ours.pid) ?? 0;
  // Also has the files in the cache of both.
  const expected = (await theirs.run('run')).rows;
  await ours.run('run');
  const cpuMs = { odometer: [] as number[], duckdb: [] as number[], first: [] as number[] };
  const measured = async (
    { pid }: { readonly pid: number },
    name: keyof typeof cpuMs,
    ask: () => Promise<QueryResult>,
  ): Promise<number> => {
    const before = cpuTimeMs(pid) ?? Number.NaN;
    const { seconds, rows } = await ask();
    deepStrictEqual(rows, expected);
    cpuMs[name].push((cpuTimeMs(pid) ?? Number.NaN) - before);
    return seconds;
  };
  const found = expected.reduce((sum, [, value]) => sum + Number(value), 0);
  if (found !== lines) throw new Error(`${found} lines were counted, and ${lines} were written`);
  const seconds = await interleave('posthoc-duckdb', settings.pairs, [
    { name: 'odometer', run: () => measured(ours, 'odometer', () => ours.run('run')) },
    { name: 'duckdb', run: () => measured(theirs, 'duckdb', () => theirs.run('run')) },
    { name: 'first', run: () => measured(ours, 'first', () => ours.run('first')) },
  ]);
  const comparison = compare(seconds.odometer, seconds.duckdb);
  const memoryMb = ((peakMemoryBytes(ours.pid) ?? 0) - idleBytes) / 1_048_576;
  return [
    {
      bench: 'posthoc-duckdb',
      value: rounded(median(seconds.odometer)),
      unit: 's',
      against: "DuckDB's own query over the same files",
      ...comparison,
      // Of processor time, which does not depend on what else the machine does.
      cpuRatio: compare(cpuMs.odometer, cpuMs.duckdb).ratio,
      lines,
      megabytes: Math.round(bytes / 1_048_576),
      target: `ratio ≤ ${MAX_RATIO}`,
      reached: comparison.ratio <= MAX_RATIO,
    },
    {
      bench: 'posthoc-duckdb-first',
      value: rounded(median(seconds.first)),
      unit: 's',
      against: "DuckDB's own query over the same files",
      ...compare(seconds.first, seconds.duckdb),
      cpuRatio: compare(cpuMs.first, cpuMs.duckdb).ratio,
    },
    {
      bench: 'posthoc-duckdb-memory',
      value: rounded(memoryMb),
      unit: 'MiB',
      target: `≤ ${MEMORY_MB} MiB above the process before its first query`,
      reached: memoryMb <= MEMORY_MB,
    },
  ];
}
