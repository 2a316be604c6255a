import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';

/** Kubernetes waits longer before the second restart; a test only must not spin. */
const RESTART_DELAY_MS = 200;

/**
 * One instance of a service, kept running as Kubernetes would: whatever ends is started again with the same environment
 * and the same name. An end that no test asked for is remembered.
 *
 * State: new → (start) → running ⇄ (killed or ended) restarting; running → (stop | leave) → stopped.
 */
export class KeptService {
  readonly name: string;
  readonly instance: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #onUnexpectedEnd: (what: string) => void;
  readonly #lives: SpawnedService[] = [];
  #kept = false;

  constructor(
    name: string,
    instance: string,
    env: Readonly<Record<string, string>>,
    onUnexpectedEnd: (what: string) => void,
  ) {
    this.name = name;
    this.instance = instance;
    this.#env = env;
    this.#onUnexpectedEnd = onUnexpectedEnd;
  }

  /** The process that runs now, or ran last. */
  get process(): SpawnedService {
    const life = this.#lives.at(-1);
    if (life === undefined) throw new Error(`${this.instance} was never started`);
    return life;
  }

  /** The logs of all its lives, the oldest first. */
  get logs(): readonly string[] {
    return this.#lives.map((life) => life.log());
  }

  /** Spawns it; `process.ready()` tells when it serves. */
  async start(): Promise<void> {
    this.#kept = true;
    const life = await spawnService(this.name, this.#env);
    this.#lives.push(life);
    void life.exit.then(async ({ code, signal }) => {
      if (!this.#kept || this.process !== life) return;
      this.#onUnexpectedEnd(`${this.instance} ended by itself (${signal ?? `code ${code}`})`);
      await new Promise((resolve) => setTimeout(resolve, RESTART_DELAY_MS));
      if (this.#kept && this.process === life) await this.start();
    });
  }

  /** `kill -9`, and it is started again at once. Returns when the new process exists, not when it is ready. */
  async kill(): Promise<void> {
    this.#kept = false;
    await this.process.kill('SIGKILL');
    await this.start();
  }

  /** Nothing starts the process again from now on; whoever calls this has it in hand. */
  leave(): SpawnedService {
    this.#kept = false;
    return this.process;
  }

  /** Ends it politely. @returns what was wrong with its end. */
  async stop(): Promise<readonly string[]> {
    if (!this.#kept) return [];
    this.#kept = false;
    const { code, signal } = await this.process.kill('SIGTERM');
    return code === 0
      ? []
      : [`${this.instance} did not stop cleanly (${signal ?? `code ${code}`})`];
  }
}
