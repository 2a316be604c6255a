import { setTimeout as sleep } from 'node:timers/promises';
import { OdometerError } from '@odometer/domain/errors';
import type { Registry } from 'prom-client';
import { adminServer } from './admin-server.ts';
import type { Component } from './component.ts';
import type { Logger } from './logging.ts';
import { type Check, Probes } from './probes.ts';
import { buildVersion } from './version.ts';

export type { Component } from './component.ts';

/**
 * The drain order, first to last; a start goes the other way. Intake first, so that nothing new is accepted; workers
 * before buffers, which they still fill; both before the queues they write to (a finishing job may enqueue the next);
 * connections last, because everything above needs them to finish.
 */
const STAGES = ['intake', 'workers', 'buffers', 'queues', 'redis', 'postgres'] as const;
export type Stage = (typeof STAGES)[number];

/** The part of `process` a Service uses; tests pass an EventEmitter with an exit. */
export interface SignalSource {
  on(event: string, listener: (argument: unknown) => void): unknown;
  off(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

export interface ServiceOptions {
  readonly name: string;
  readonly log: Logger;
  readonly registry: Registry;
  readonly admin: { readonly host: string; readonly port: number };
  /** From turning unready to refusing work; see ODOMETER_SHUTDOWN_DELAY_MS. Skipped when it never was ready. */
  readonly shutdownDelayMs: number;
  /** From the signal to the exit, the delay included; see ODOMETER_SHUTDOWN_DEADLINE_MS. */
  readonly shutdownDeadlineMs: number;
  /** @default process */
  readonly signals?: SignalSource;
}

/** npm, pnpm and terminals deliver one Ctrl-C twice; nobody presses it twice as fast and means it. */
const SAME_SIGNAL_MS = 500;

type State = 'new' | 'starting' | 'ready' | 'draining' | 'stopped';

/**
 * The life of one process.
 *
 *   new ──run──▶ starting ──all started──▶ ready ──signal or fail──▶ draining ──▶ stopped
 *                    └── signal, fail or a start that throws ────────────▲
 *
 * starting: the admin port answers, /readyz is red, components start one after the other, the last drain stage first.
 * ready: /readyz is what the readiness checks say.
 * draining: /readyz is red; after the propagation delay the stages stop in order, all within one deadline.
 * stopped: run() has returned the exit code. There is no way back: a Service runs once.
 */
export class Service {
  readonly #options: ServiceOptions;
  readonly #log: Logger;
  readonly #signals: SignalSource;
  readonly #components: Readonly<Record<Stage, Component[]>>;
  readonly #readiness = new Probes();
  readonly #liveness = new Probes();
  /** Aborted by the first reason to stop, for good. */
  readonly #stop = new AbortController();
  readonly #stopRequested = aborted(this.#stop.signal);
  /** Names of what is starting or stopping right now: shown in /readyz, and logged when the deadline cuts it off. */
  readonly #busyWith = new Set<string>();
  #state: State = 'new';
  #stopRequestedAt = 0;
  /** Once true, the exit code is 1 whatever else goes well. */
  #failed = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#signals = options.signals ?? process;
    this.#components = {
      intake: [],
      workers: [],
      buffers: [],
      queues: [],
      redis: [],
      postgres: [],
    };
    this.#readiness.add('lifecycle', () => {
      if (this.#state !== 'ready') throw new Error([this.#state, ...this.#busyWith].join(' '));
    });
  }

  /** Registers a component with its place in the drain order. Within a stage: started in this order, stopped together. */
  add<C extends Component>(stage: Stage, component: C): C {
    this.#components[stage].push(component);
    return component;
  }

  /** A check of /readyz: may this process be given work? For reachability of what it needs. */
  readiness(name: string, check: Check): void {
    this.#readiness.add(name, check);
  }

  /** A check of /livez: would a restart help? For progress, never for reachability: a blip would restart the fleet. */
  liveness(name: string, check: Check): void {
    this.#liveness.add(name, check);
  }

  /** A component has failed for good: drain, and exit with code 1. */
  fail(error: Error): void {
    this.#failed = true;
    this.#log.error({ event: 'service_failed', error });
    this.#requestStop('failure');
  }

  /**
   * Starts everything, waits for SIGTERM, SIGINT or a failure, and drains.
   *
   * @returns the exit code: 0 for a clean stop; 1 after a failure, also one while stopping, or beyond the deadline.
   */
  async run(): Promise<number> {
    const admin = adminServer({
      ...this.#options.admin,
      registry: this.#options.registry,
      liveness: this.#liveness,
      readiness: this.#readiness,
      log: this.#log,
    });
    const release = this.#catchSignals();
    try {
      await this.#startAll(admin);
      await this.#stopRequested;
      await this.#drain();
    } finally {
      await admin.stop();
      release();
    }
    const exitCode = this.#failed ? 1 : 0;
    this.#log.info({ event: 'service_stopped', exitCode });
    return exitCode;
  }

  async #startAll(admin: Component): Promise<void> {
    this.#state = 'starting';
    const inOrder = [admin, ...STAGES.toReversed().flatMap((stage) => this.#components[stage])];
    for (const component of inOrder) {
      if (this.#stop.signal.aborted) return;
      this.#busyWith.add(component.name);
      try {
        // A start that waits, for a database that is away say, must not hold up the stop.
        await Promise.race([component.start(), this.#stopRequested]);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        this.fail(
          new OdometerError(
            'component_start_failed',
            { component: component.name, reason },
            { cause },
          ),
        );
      } finally {
        this.#busyWith.delete(component.name);
      }
    }
    if (this.#stop.signal.aborted) return;
    this.#state = 'ready';
    this.#log.info({
      event: 'service_ready',
      version: buildVersion(),
    });
  }

  async #drain(): Promise<void> {
    const { shutdownDelayMs, shutdownDeadlineMs: deadlineMs } = this.#options;
    const delayMs = this.#state === 'ready' ? shutdownDelayMs : 0;
    this.#state = 'draining';
    const finished = new AbortController();
    const deadline = sleep(deadlineMs, 'late' as const, { signal: finished.signal });
    deadline.catch(() => undefined); // Aborted when the drain is done.
    const outcome = await Promise.race([this.#stopAll(delayMs), deadline]);
    finished.abort();
    if (outcome === 'late') {
      const component =
        [...this.#busyWith].join(', ') || 'nothing yet: the delay exceeds the deadline';
      this.fail(new OdometerError('shutdown_deadline_exceeded', { component, deadlineMs }));
    }
    this.#state = 'stopped';
  }

  async #stopAll(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { ref: false }); // The deadline's timer keeps the process.
    for (const stage of STAGES) {
      await Promise.all(this.#components[stage].map((component) => this.#stopOne(component)));
    }
  }

  /** Never rejects: whatever comes later in the drain order has to be stopped all the same. */
  async #stopOne(component: Component): Promise<void> {
    this.#busyWith.add(component.name);
    try {
      await component.stop();
    } catch (error) {
      this.#failed = true;
      this.#log.error({ event: 'component_stop_failed', component: component.name, error });
    } finally {
      this.#busyWith.delete(component.name);
    }
  }

  #requestStop(reason: string): void {
    if (this.#stop.signal.aborted) return;
    this.#stopRequestedAt = performance.now();
    this.#log.info({ event: 'service_stopping', reason });
    this.#stop.abort();
  }

  #catchSignals(): () => void {
    const onSignal = (signal: unknown) => {
      const impatient =
        this.#stop.signal.aborted && performance.now() - this.#stopRequestedAt > SAME_SIGNAL_MS;
      if (impatient) {
        this.#log.fatal({ event: 'shutdown_abandoned', signal, stopping: [...this.#busyWith] });
        this.#signals.exit(1);
      }
      this.#requestStop(String(signal));
    };
    // Node raises unhandled rejections as uncaught exceptions too.
    const onUncaught = (error: unknown) =>
      this.fail(error instanceof Error ? error : new Error(String(error)));
    this.#signals.on('SIGTERM', onSignal);
    this.#signals.on('SIGINT', onSignal);
    this.#signals.on('uncaughtException', onUncaught);
    return () => {
      this.#signals.off('SIGTERM', onSignal);
      this.#signals.off('SIGINT', onSignal);
      this.#signals.off('uncaughtException', onUncaught);
    };
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
