import { EventEmitter, once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { component } from './component.ts';
import { Service, type Stage } from './service.ts';

class FakeProcess extends EventEmitter {
  exit(code: number): void {
    this.emit('exit', code);
  }
}

interface Report {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, { readonly state: string; readonly message?: string }>>;
}

/** A service in this process, its log as events, and its admin port. */
class Bench {
  readonly process = new FakeProcess();
  readonly log = new EventEmitter();
  readonly calls: string[] = [];
  readonly service: Service;
  #port = 0;
  #exit: Promise<number> | undefined;

  constructor(options: { readonly delayMs?: number; readonly deadlineMs?: number } = {}) {
    this.service = new Service({
      name: 'bench',
      log: pino(
        {},
        {
          write: (text: string) => {
            const line = JSON.parse(text);
            if (line.event === 'admin_listening') this.#port = line.port;
            this.log.emit(line.event, line);
          },
        },
      ),
      registry: new Registry(),
      admin: { host: '127.0.0.1', port: 0 },
      shutdownDelayMs: options.delayMs ?? 0,
      shutdownDeadlineMs: options.deadlineMs ?? 5_000,
      signals: this.process,
    });
  }

  part(
    stage: Stage,
    name: string = stage,
    stop: () => Promise<void> | void = () => undefined,
  ): void {
    this.service.add(
      stage,
      component({
        name,
        start: () => {
          this.calls.push(`+${name}`);
        },
        stop: () => {
          this.calls.push(`-${name}`);
          return stop();
        },
      }),
    );
  }

  async run(): Promise<void> {
    const ready = once(this.log, 'service_ready');
    this.#exit = this.service.run();
    await ready;
  }

  terminate(): Promise<number> {
    this.process.emit('SIGTERM', 'SIGTERM');
    return this.#exit ?? Promise.reject(new Error('not running'));
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#port}${path}`);
  }

  async readyz(): Promise<{ readonly status: number; readonly report: Report }> {
    const response = await this.get('/readyz');
    return { status: response.status, report: (await response.json()) as Report };
  }
}

let bench: Bench;
afterEach(async () => {
  await bench.terminate().catch(() => undefined);
});

describe('Service', () => {
  test('starts last what it stops first', async () => {
    bench = new Bench();
    const shuffled: readonly Stage[] = [
      'redis',
      'intake',
      'buffers',
      'postgres',
      'workers',
      'queues',
    ];
    for (const stage of shuffled) bench.part(stage);
    await bench.run();
    expect(await bench.terminate()).toBe(0);
    const drain = ['intake', 'workers', 'buffers', 'queues', 'redis', 'postgres'];
    expect(bench.calls).toEqual([
      ...drain.toReversed().map((stage) => `+${stage}`),
      ...drain.map((stage) => `-${stage}`),
    ]);
  });

  test('does not begin a stage before the one above it has stopped', async () => {
    bench = new Bench();
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    bench.part('workers', 'slow', () => finished);
    bench.part('workers', 'quick');
    bench.part('redis');
    await bench.run();
    const exit = bench.terminate();
    while (!bench.calls.includes('-quick')) await new Promise(setImmediate);
    expect((await bench.readyz()).report.checks.lifecycle?.message).toBe('draining slow');
    expect(bench.calls).not.toContain('-redis');
    finish();
    expect(await exit).toBe(0);
    expect(bench.calls.at(-1)).toBe('-redis');
  });

  test('is unready for the whole delay before it refuses work', async () => {
    bench = new Bench({ delayMs: 300 });
    bench.part('intake');
    await bench.run();
    expect((await bench.readyz()).status).toBe(200);
    const exit = bench.terminate();
    await new Promise(setImmediate);
    expect((await bench.readyz()).status).toBe(503);
    expect(bench.calls).toEqual(['+intake']);
    expect(await exit).toBe(0);
  });

  test('drains and returns 1 when a component has failed for good', async () => {
    bench = new Bench();
    bench.part('workers');
    await bench.run();
    const stopped = once(bench.log, 'service_stopped');
    bench.service.fail(new Error('session taken over'));
    expect((await stopped)[0]).toMatchObject({ exitCode: 1 });
    expect(bench.calls).toEqual(['+workers', '-workers']);
  });

  test('counts the delay into the one deadline', async () => {
    bench = new Bench({ delayMs: 60_000, deadlineMs: 50 });
    await bench.run();
    expect(await bench.terminate()).toBe(1);
  });

  test('returns 1 when its admin port is taken', async () => {
    bench = new Bench();
    await bench.run();
    const port = Number(new URL((await bench.get('/livez')).url).port);
    const second = new Service({
      name: 'second',
      log: pino({ level: 'silent' }),
      registry: new Registry(),
      admin: { host: '127.0.0.1', port },
      shutdownDelayMs: 0,
      shutdownDeadlineMs: 1_000,
      signals: new FakeProcess(),
    });
    expect(await second.run()).toBe(1);
  });

  test('leaves no signal handler behind', async () => {
    bench = new Bench();
    await bench.run();
    await bench.terminate();
    expect(bench.process.eventNames()).toEqual([]);
  });
});

describe('the admin port', () => {
  test('is red in /readyz, and says why, until everything is started', async () => {
    bench = new Bench();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    bench.service.add(
      'postgres',
      component({ name: 'pool', start: () => opened, stop: () => undefined }),
    );
    const listening = once(bench.log, 'admin_listening');
    const running = bench.run();
    await listening;
    const { status, report } = await bench.readyz();
    expect({ status, lifecycle: report.checks.lifecycle }).toEqual({
      status: 503,
      lifecycle: { state: 'failed', message: 'starting pool' },
    });
    expect((await bench.get('/livez')).status).toBe(200);
    open();
    await running;
    expect((await bench.readyz()).status).toBe(200);
  });

  test('shows each readiness check, without credentials', async () => {
    bench = new Bench();
    bench.service.readiness('postgres', () => undefined);
    bench.service.readiness('redis', () =>
      Promise.reject(new Error('redis://:hunter2@host is away')),
    );
    await bench.run();
    const { status, report } = await bench.readyz();
    expect(status).toBe(503);
    expect(report.checks).toEqual({
      lifecycle: { state: 'ok' },
      postgres: { state: 'ok' },
      redis: { state: 'failed', message: 'redis://[redacted]@host is away' },
    });
  });

  test('answers although a check hangs, and asks that one no second time meanwhile', async () => {
    bench = new Bench();
    let asked = 0;
    bench.service.readiness('postgres', () => {
      asked += 1;
      return new Promise(() => undefined);
    });
    await bench.run();
    const answers = await Promise.all([bench.readyz(), bench.readyz()]);
    for (const { status, report } of answers) {
      expect(status).toBe(503);
      expect(report.checks.postgres?.message).toBe('no answer within 1000 ms');
    }
    expect(asked).toBe(1);
  });

  test('keeps liveness apart from readiness', async () => {
    bench = new Bench();
    let stuck = false;
    bench.service.readiness('redis', () => Promise.reject(new Error('away')));
    bench.service.liveness('progress', () => {
      if (stuck) throw new Error('no progress');
    });
    await bench.run();
    expect((await bench.get('/livez')).status).toBe(200);
    stuck = true;
    const response = await bench.get('/livez');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ok: false,
      checks: { progress: { state: 'failed', message: 'no progress' } },
    });
  });

  test('serves the metrics, and nothing else', async () => {
    bench = new Bench();
    await bench.run();
    const metrics = await bench.get('/metrics');
    expect(metrics.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect((await bench.get('/')).status).toBe(404);
  });
});
