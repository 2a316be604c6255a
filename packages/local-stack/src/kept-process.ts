import type { Exit, ServerProcess } from './server-process.ts';

/** One part of the stack: how it is started, on its own port and data each time. */
export interface Part {
  readonly name: string;
  /**
   * Starts it and returns when it runs (a server: when it answers).
   * @param onSpawn to be told of the process as soon as it exists.
   */
  start(onSpawn: (server: ServerProcess) => void): Promise<ServerProcess>;
}

export interface KeptProcessEvents {
  onSpawn(server: ServerProcess): void;
  onExit(exit: Exit): void;
  /** A start after a death that failed; it will be tried again. */
  onStartFailed(error: unknown): void;
}

/** Short at first, because most deaths are single; 10 s at most, so that a mended cause shows soon. */
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 10_000;
/** What has run this long was healthy: its next death is a first one again. */
const HEALTHY_AFTER_MS = 30_000;

/**
 * Keeps one part running: whatever ends it, it is started again with backoff, until `stop`.
 *
 * State: idle → (start) → starting → running → died → waiting → starting → …
 *        any → (stop) → stopping → stopped. A first start that fails is the caller's to handle.
 */
export class KeptProcess {
  readonly #part: Part;
  readonly #events: KeptProcessEvents;
  readonly #stopped = new AbortController();
  #current: ServerProcess | undefined;
  #keeping: Promise<void> | undefined;

  constructor(part: Part, events: KeptProcessEvents) {
    this.#part = part;
    this.#events = events;
  }

  /** The first start; rejects when it fails. */
  async start(): Promise<void> {
    const server = await this.#launch();
    this.#keeping = this.#keep(server);
  }

  /** Ends it for good, whatever it is doing. Safe to repeat. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#current?.stop();
    await this.#keeping;
  }

  async #launch(): Promise<ServerProcess> {
    const server = await this.#part.start((spawned) => {
      this.#current = spawned;
      this.#events.onSpawn(spawned);
    });
    // A stop that came while it was spawned found nothing to end.
    if (this.#stopped.signal.aborted) await server.stop();
    return server;
  }

  async #keep(first: ServerProcess): Promise<void> {
    let server: ServerProcess | undefined = first;
    let backoffMs = FIRST_BACKOFF_MS;
    while (!this.#stopped.signal.aborted) {
      if (server !== undefined) {
        const since = Date.now();
        this.#events.onExit(await server.exited);
        if (Date.now() - since > HEALTHY_AFTER_MS) backoffMs = FIRST_BACKOFF_MS;
      }
      await this.#pause(backoffMs);
      if (this.#stopped.signal.aborted) return;
      backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
      server = await this.#launch().catch((error: unknown) => {
        this.#events.onStartFailed(error);
        return undefined;
      });
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped.signal.aborted) resolve();
      const timer = setTimeout(resolve, ms);
      this.#stopped.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
