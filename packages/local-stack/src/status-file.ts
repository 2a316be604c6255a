import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDirectory, type Settings } from './settings.ts';

/** How the supervisor tells `make up` what it is doing. */
export interface Status {
  readonly phase: 'starting' | 'up' | 'failed';
  /** What was done and is being done, one line each, for people. */
  readonly progress: readonly string[];
  /** Why it failed: one sentence, and perhaps the end of a log. */
  readonly failure?: string;
  /** Services that ended because their configuration is wrong: starting them again does not help. */
  readonly misconfigured: readonly string[];
  /** What it was started with: a running stack does not take other ports. */
  readonly ports: Settings['ports'];
}

function replaceWhole(path: string, content: unknown): void {
  // Renamed, so that a reader never sees half of it.
  writeFileSync(`${path}.new`, JSON.stringify(content));
  renameSync(`${path}.new`, path);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

const statusPath = (settings: Settings) => join(runDirectory(settings), 'status.json');
const demoPath = (settings: Settings) => join(runDirectory(settings), 'demo.json');

export function writeStatus(settings: Settings, status: Status): void {
  replaceWhole(statusPath(settings), status);
}

export function readStatus(settings: Settings): Status | undefined {
  return readJson(statusPath(settings)) as Status | undefined;
}

/** Leaves the supervisor the wish for, or against, the demo fleet; SIGHUP makes it look. */
export function writeDemoWish(settings: Settings, wanted: boolean): void {
  replaceWhole(demoPath(settings), wanted);
}

export function readDemoWish(settings: Settings): boolean {
  return readJson(demoPath(settings)) === true;
}
