import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Addresses, frontUrl, objectStoreAddresses, writeEnvFile } from './addresses.ts';
import { keepLogsBounded } from './bounded-logs.ts';
import { runOdometer } from './command-line.ts';
import { DEMO_POSTHOC, DEMO_POSTHOC_DECLARATION, demoDeclarations } from './demo/declarations.ts';
import { writeAccessLogs } from './demo/write-access-logs.ts';
import { KeptProcess, type Part } from './kept-process.ts';
import {
  demoPart,
  frontPart,
  mosquittoPart,
  objectStorePart,
  postgresPart,
  redisPart,
  serviceParts,
} from './parts.ts';
import type { PidFiles } from './pid-files.ts';
import { accessLogs, dataDirectory, logDirectory, type Settings } from './settings.ts';
import { readDemoWish, type Status, writeStatus } from './status-file.ts';

/** What a service exits with when its configuration is wrong: EX_CONFIG of sysexits.h. */
const EXIT_CONFIG_INVALID = 78;

/** One JSON line of supervisor.log. */
function log(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The process behind `make up`: starts every part in order and keeps it running.
 *
 * State: new → (start) → starting → up → (stop) → stopping → stopped; a start that fails stops what
 * it had started. Parts that die while up are started again, each by its own KeptProcess.
 */
export class Supervisor {
  readonly #settings: Settings;
  readonly #pids: PidFiles;
  /** In the order of their start; stopped in the opposite one. */
  readonly #kept: { readonly stage: number; readonly process: KeptProcess }[] = [];
  readonly #progress: string[] = [];
  readonly #misconfigured = new Set<string>();
  #phase: Status['phase'] = 'starting';
  readonly #stopBoundingLogs: () => void;
  #addresses: Addresses | undefined;
  #demo: KeptProcess | undefined;
  #stopping: Promise<void> | undefined;

  constructor(settings: Settings, pids: PidFiles) {
    this.#settings = settings;
    this.#pids = pids;
    this.#stopBoundingLogs = keepLogsBounded(logDirectory(settings), (error) =>
      log('log_rotation_failed', { error: messageOf(error) }),
    );
  }

  /**
   * Starts everything, each stage when the one before it answers.
   * @throws StackError with the one sentence; what had been started is stopped by then.
   */
  async start(): Promise<void> {
    try {
      const addresses = await this.#startServers();
      await Promise.all(
        serviceParts(this.#settings, addresses).map((part) => this.#start(part, 2)),
      );
      await this.#start(frontPart(this.#settings), 3);
      await this.applyDemoWish();
      this.#report('up');
    } catch (error) {
      log('start_failed', { error: messageOf(error) });
      await this.stop();
      this.#report('failed', messageOf(error));
      throw error;
    }
  }

  /** Starts or ends the demo fleet as `make up` last asked. */
  async applyDemoWish(): Promise<void> {
    const wanted = readDemoWish(this.#settings);
    if (wanted && this.#demo === undefined && this.#addresses !== undefined) {
      this.#declareDemo(this.#addresses);
      this.#demo = await this.#start(demoPart(this.#settings, this.#addresses), 4);
    } else if (!wanted && this.#demo !== undefined) {
      await this.#demo.stop();
      this.#pids.forget('demo');
      this.#demo = undefined;
    }
  }

  #declareDemo(addresses: Addresses): void {
    const file = join(this.#settings.directory, 'demo.yaml');
    writeFileSync(file, demoDeclarations(addresses.AWS_ENDPOINT_URL_S3));
    runOdometer(this.#settings, ['apply', '-f', file], { ...addresses });
    this.#declarePosthoc(addresses);
  }

  /**
   * The hours before are asked for by the next bell; the last one now, so that there is something to see. The fleet does without,
   * where somebody's own usage has taken the meter.
   */
  #declarePosthoc(addresses: Addresses): void {
    const file = join(this.#settings.directory, 'demo-posthoc.yaml');
    writeFileSync(file, DEMO_POSTHOC_DECLARATION);
    writeAccessLogs(accessLogs(this.#settings), Date.now());
    try {
      runOdometer(this.#settings, ['apply', '-f', file], { ...addresses });
      runOdometer(this.#settings, ['posthoc', 'run', DEMO_POSTHOC, '--no-wait'], { ...addresses });
    } catch (error) {
      log('demo_posthoc_not_declared', { error: messageOf(error) });
    }
  }

  /** Ends everything: clients first, so that what they have sent is still taken. Safe to repeat. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    log('stopping');
    const stages = [...new Set(this.#kept.map(({ stage }) => stage))].sort((a, b) => b - a);
    for (const stage of stages) {
      await Promise.all(
        this.#kept.filter((each) => each.stage === stage).map(({ process }) => process.stop()),
      );
    }
    this.#stopBoundingLogs();
    log('stopped');
  }

  async #startServers(): Promise<Addresses> {
    this.#tell('Starting PostgreSQL, Redis, Mosquitto and an emulator of S3 and SQS');
    const settings = this.#settings;
    const urls = {
      DATABASE_URL: '',
      REDIS_URL: '',
      MQTT_URL: '',
      ...objectStoreAddresses(settings),
    };
    const outcomes = await Promise.allSettled([
      this.#start(
        postgresPart(settings, (url) => {
          urls.DATABASE_URL = url;
        }),
        1,
      ),
      this.#start(
        redisPart(settings, (url) => {
          urls.REDIS_URL = url;
        }),
        1,
      ),
      this.#start(
        mosquittoPart(settings, (url) => {
          urls.MQTT_URL = url;
        }),
        1,
      ),
      this.#start(objectStorePart(settings), 1),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    this.#tell('Bringing the schema up to date');
    runOdometer(settings, ['migrate'], urls);
    this.#addresses = {
      ODOMETER_URL: frontUrl(settings),
      ODOMETER_API_KEY: this.#apiKey(urls),
      ...urls,
    };
    writeEnvFile(settings, this.#addresses);
    this.#tell('Starting the services');
    return this.#addresses;
  }

  /** Kept beside the database that knows it: both are removed together. */
  #apiKey(env: NodeJS.ProcessEnv): string {
    const path = join(dataDirectory(this.#settings, 'postgres'), 'api-key');
    if (existsSync(path)) return readFileSync(path, 'utf8').trim();
    const created: unknown = JSON.parse(
      runOdometer(
        this.#settings,
        ['keys', 'create', '--name', 'local-stack', '--scopes', 'admin', '--json'],
        env,
      ),
    );
    const key =
      typeof created === 'object' && created !== null && 'key' in created ? created.key : undefined;
    if (typeof key !== 'string') throw new Error('odometer keys create printed no key');
    writeFileSync(path, `${key}\n`, { mode: 0o600 });
    return key;
  }

  async #start(part: Part, stage: number): Promise<KeptProcess> {
    const { name } = part;
    const kept = new KeptProcess(part, {
      onSpawn: ({ pid }) => {
        this.#pids.record(name, pid);
        log('part_started', { part: name, pid });
      },
      onExit: (exit) => {
        this.#pids.forget(name);
        log('part_ended', { part: name, ...exit });
        if (exit.code === EXIT_CONFIG_INVALID) {
          this.#misconfigured.add(name);
          this.#report(this.#phase);
        }
      },
      onStartFailed: (error) => log('part_start_failed', { part: name, error: messageOf(error) }),
    });
    this.#kept.push({ stage, process: kept });
    await kept.start();
    return kept;
  }

  #tell(line: string): void {
    this.#progress.push(line);
    log('progress', { line });
    this.#report('starting');
  }

  #report(phase: Status['phase'], failure?: string): void {
    this.#phase = phase;
    writeStatus(this.#settings, {
      phase,
      progress: this.#progress,
      misconfigured: [...this.#misconfigured],
      ports: this.#settings.ports,
      ...(failure === undefined ? {} : { failure }),
    });
  }
}
