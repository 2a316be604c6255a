import type { ServerProcess } from '@odometer/local-stack/server-process';
import { StackError } from '@odometer/local-stack/stack-error';
import { freePort } from '@odometer/local-stack/tcp-port';
import { temporaryDirectory } from './temporary-directory.ts';
import { watchProcess } from './watchdog.ts';

/** Where a test's private server lives, for all its lives. */
export interface Place {
  readonly directory: string;
  readonly port: number;
  readonly logFile: string;
}

/**
 * A private server of one test file that can be killed and started again on its own port and data.
 *
 * State: running → (kill | stop) → down → (start) → running. `url` is the same in every life.
 */
export class TestServer<Server extends ServerProcess & { readonly url: string }> {
  readonly place: Place;
  readonly #launch: (place: Place) => Promise<Server>;
  #server: Server;

  private constructor(place: Place, launch: (place: Place) => Promise<Server>, server: Server) {
    this.place = place;
    this.#launch = launch;
    this.#server = server;
  }

  /** Starts it on a free port; another test run may take a port first, then another one is chosen. */
  static async launch<S extends ServerProcess & { readonly url: string }>(
    purpose: string,
    launch: (place: Place) => Promise<S>,
  ): Promise<TestServer<S>> {
    const directory = temporaryDirectory(purpose);
    for (let attempt = 1; ; attempt++) {
      const place = { directory, port: await freePort(), logFile: `${directory}/${purpose}.log` };
      try {
        const server = await launch(place);
        watchProcess(server.pid, server.exited);
        return new TestServer(place, launch, server);
      } catch (error) {
        if (!(error instanceof StackError) || attempt === 3) throw error;
      }
    }
  }

  get url(): string {
    return this.#server.url;
  }

  get port(): number {
    return this.place.port;
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** The process of this life, for what only its kind can do. */
  get server(): Server {
    return this.#server;
  }

  /** Sends a signal; SIGKILL and other ends are waited for with `exited`. */
  signal(signal: NodeJS.Signals): void {
    this.#server.signal(signal);
  }

  /** `kill -9`, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#server.signal('SIGKILL');
    await this.#server.exited;
  }

  /** Ends it cleanly, or as the signal says. */
  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#server.stop(signal);
  }

  /** Starts it again on its port and data, after `kill` or `stop`; returns when it answers. */
  async start(): Promise<void> {
    this.#server = await this.#launch(this.place);
    watchProcess(this.#server.pid, this.#server.exited);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}
