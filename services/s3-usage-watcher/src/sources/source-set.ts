import type { Logger } from 'pino';
import { type DeclaredSource, isSameSpec, type SourceSpec } from '../buckets/group-sources.ts';
import type { DeclaredBucket } from '../buckets/read-buckets.ts';
import type { RunningSource } from './running-source.ts';

/**
 * Starts one. `buckets` tells those that it is for at the moment of asking.
 *
 * @throws Error what is wrong with it; it is tried again.
 */
type StartSource = (spec: SourceSpec, buckets: () => readonly DeclaredBucket[]) => RunningSource;

interface Kept {
  readonly spec: SourceSpec;
  readonly source: RunningSource;
  buckets: readonly DeclaredBucket[];
}

/**
 * Keeps one source running for each declared queue and topic. They know nothing of each other: one that fails fails alone.
 *
 *   (not declared) ──keep()──▶ running ──no longer declared, or declared otherwise──▶ stopping ──▶ (forgotten)
 *
 * One that is declared otherwise is started anew once the old one has stopped. What could not be started is tried again with the
 * next `keep`, every few seconds.
 */
export class SourceSet {
  readonly #start: StartSource;
  readonly #log: Logger;
  readonly #running = new Map<string, Kept>();
  readonly #stopping = new Map<string, Promise<void>>();
  /** Why each that does not run could not be started, so that it is logged once. */
  readonly #failures = new Map<string, string>();
  #stopped = false;

  constructor(options: { readonly start: StartSource; readonly log: Logger }) {
    this.#start = options.start;
    this.#log = options.log;
  }

  get running(): Iterable<{ readonly spec: SourceSpec; readonly source: RunningSource }> {
    return this.#running.values();
  }

  /** Makes what runs what is declared. */
  keep(declared: ReadonlyMap<string, DeclaredSource<SourceSpec>>): void {
    if (this.#stopped) return;
    for (const [key, kept] of this.#running) {
      const wanted = declared.get(key);
      if (wanted === undefined || !isSameSpec(wanted.spec, kept.spec)) this.#end(key, kept);
      else kept.buckets = wanted.buckets;
    }
    for (const [key, { spec, buckets }] of declared) {
      if (!this.#running.has(key) && !this.#stopping.has(key)) this.#begin(key, spec, buckets);
    }
    for (const key of this.#failures.keys()) if (!declared.has(key)) this.#failures.delete(key);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const [key, kept] of this.#running) this.#end(key, kept);
    await Promise.all(this.#stopping.values());
  }

  #begin(key: string, spec: SourceSpec, buckets: readonly DeclaredBucket[]): void {
    try {
      const kept: { buckets: readonly DeclaredBucket[] } = { buckets };
      const source = this.#start(spec, () => kept.buckets);
      this.#running.set(key, Object.assign(kept, { spec, source }));
      this.#failures.delete(key);
      this.#log.info({ event: 'storage_source_started', source: describe(spec) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#failures.get(key) !== reason) {
        this.#log.error({ event: 'storage_source_failed', source: describe(spec), error });
      }
      this.#failures.set(key, reason);
    }
  }

  #end(key: string, { spec, source }: Kept): void {
    this.#running.delete(key);
    const stopping = source
      .stop()
      .catch((error: unknown) => {
        this.#log.error({ event: 'storage_source_stop_failed', source: describe(spec), error });
      })
      .then(() => {
        this.#stopping.delete(key);
        this.#log.info({ event: 'storage_source_stopped', source: describe(spec) });
      });
    this.#stopping.set(key, stopping);
  }
}

function describe(spec: SourceSpec): string {
  return spec.kind === 'sqs' ? spec.queueUrl : `${spec.urlEnv} ${spec.topic}`;
}
