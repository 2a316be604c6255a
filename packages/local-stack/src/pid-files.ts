import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processBirth } from './process-identity.ts';

/** A process of ours that runs now. */
export interface RecordedProcess {
  readonly name: string;
  readonly pid: number;
}

/**
 * The pids of what the stack started, one file each: `<name>.pid` holds the number alone, for people
 * and scripts; `<name>.birth` when that process was started. Numbers are given again after a crash or
 * a reboot: only a process with both is ours, and only ours are ever signalled.
 */
export class PidFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  record(name: string, pid: number): void {
    const birth = processBirth(pid);
    if (birth === undefined) return;
    writeFileSync(join(this.#directory, `${name}.birth`), `${pid} ${birth}\n`);
    writeFileSync(join(this.#directory, `${name}.pid`), `${pid}\n`);
  }

  /**
   * Records this process under a name that only one may have at a time.
   *
   * @returns the process that has it already; undefined when it is ours now.
   */
  claim(name: string): RecordedProcess | undefined {
    const birthFile = join(this.#directory, `${name}.birth`);
    const ownFile = `${birthFile}.${process.pid}`;
    writeFileSync(ownFile, `${process.pid} ${processBirth(process.pid) ?? ''}\n`);
    try {
      for (;;) {
        try {
          // Unlike a look and a write, a link cannot succeed twice.
          linkSync(ownFile, birthFile);
          writeFileSync(join(this.#directory, `${name}.pid`), `${process.pid}\n`);
          return undefined;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const holder = this.running(name);
        if (holder !== undefined) return holder.pid === process.pid ? undefined : holder;
        rmSync(birthFile, { force: true });
      }
    } finally {
      rmSync(ownFile, { force: true });
    }
  }

  forget(name: string): void {
    rmSync(join(this.#directory, `${name}.pid`), { force: true });
    rmSync(join(this.#directory, `${name}.birth`), { force: true });
  }

  /** The process of this name, when it still runs and is the one that was recorded. */
  running(name: string): RecordedProcess | undefined {
    let recorded: string;
    try {
      recorded = readFileSync(join(this.#directory, `${name}.birth`), 'utf8').trim();
    } catch {
      return undefined;
    }
    const separator = recorded.indexOf(' ');
    const pid = Number(recorded.slice(0, separator));
    return processBirth(pid) === recorded.slice(separator + 1) ? { name, pid } : undefined;
  }

  /** Everything of ours that runs. */
  allRunning(): readonly RecordedProcess[] {
    return readdirSync(this.#directory)
      .filter((file) => file.endsWith('.birth'))
      .flatMap((file) => this.running(file.slice(0, -'.birth'.length)) ?? []);
  }
}
