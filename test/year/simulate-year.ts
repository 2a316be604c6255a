import { createPool, type Pool } from '@odometer/database/pool';
import { batchJobId } from '@odometer/domain/batch';
import type { CountBatch, EventBatch } from '@odometer/queues/catalogue';
import type { Job as PeriodsJob } from '@odometer/queues/job-worker';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import type { SeededRandom } from '@odometer/testing/seeded-random';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { DeadJobs } from './dead-jobs.ts';
import { isPlanted } from './faulty-pool.ts';
import { type SentReading, UsageMaker } from './make-usage.ts';
import { Producer } from './producer.ts';
import { SentUsage } from './sent-usage.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { openScheduler, type Scheduler } from './simulated-scheduler.ts';
import {
  complete,
  openQueues,
  openWorker,
  type Queues,
  type SimulatedWorker,
} from './simulated-worker.ts';
import { WatchedPeriods } from './watched-periods.ts';
import { World } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2025, 0, 1);
/** The twelfth month's grace is over. */
export const END_MS = Date.UTC(2026, 0, 4, 2);

/** How wrong the workers' clocks are: one is right, one is ahead of the months' ends and their grace, one behind. */
const AHEAD_MS = [0, 13 * DAY_MS, -90_000];
const PLAN = 'simulated';

interface Worker {
  readonly worker: SimulatedWorker;
  stoppedUntilMs: number;
}

/** What was done, so that a test can tell that its year was a rough one. */
export interface YearCounts {
  batches: number;
  replays: number;
  readings: number;
  stops: number;
  bells: number;
  bellsLost: number;
  bellsTwice: number;
  aborted: number;
  failed: number;
  schedulers: number;
  deadLetters: number;
  forced: number;
}

/**
 * Twelve months of a small installation, faster than they are: random usage, and everything that may go wrong around
 * snapshots and closes. Afterwards everything that was sent is applied, and every month that has ended had its chance.
 */
export class SimulatedYear {
  readonly sent = new SentUsage();
  readonly counts: YearCounts = {
    batches: 0,
    replays: 0,
    readings: 0,
    stops: 0,
    bells: 0,
    bellsLost: 0,
    bellsTwice: 0,
    aborted: 0,
    failed: 0,
    schedulers: 0,
    deadLetters: 0,
    forced: 0,
  };
  readonly pool: Pool;
  readonly world: World;
  readonly usage: UsageMaker;
  readonly periods: WatchedPeriods;
  readonly #random: SeededRandom;
  readonly #urls: { readonly url: string; readonly redisUrl: string };
  readonly #clock: SimulatedClock;
  readonly #workers: Worker[] = [];
  readonly #applied: { readonly queue: 'events' | 'counts'; readonly batch: unknown }[] = [];
  readonly #dead: DeadJobs;
  #queues: (Queues & { close(): Promise<void> }) | undefined;
  #producers: { readonly events: Producer; readonly counts: Producer } | undefined;
  #scheduler: Scheduler | undefined;
  #schedulerRedis: Redis | undefined;
  #nextAsked = 0;

  constructor(random: SeededRandom, urls: { readonly url: string; readonly redisUrl: string }) {
    this.#random = random;
    this.#urls = urls;
    this.#clock = new SimulatedClock(START_MS);
    this.pool = createPool(
      { url: urls.url, applicationName: 'simulated year, operator', maxConnections: 3 },
      () => {},
    );
    this.world = new World(this.pool, random);
    this.usage = new UsageMaker(random, this.sent, START_MS);
    this.periods = new WatchedPeriods(this.pool);
    this.#dead = new DeadJobs(this.pool);
  }

  async run(): Promise<void> {
    await this.#begin();
    for (let day = START_MS; day < END_MS; day += DAY_MS) await this.#day(day);
    this.#clock.advanceTo(END_MS);
    await this.#settle();
  }

  async close(): Promise<void> {
    await this.#scheduler?.close();
    this.#schedulerRedis?.disconnect();
    for (const { worker } of this.#workers) await worker.close();
    await this.#queues?.close();
    await this.pool.end();
    this.#clock.stop();
  }

  get #nowMs(): number {
    return this.#clock.nowMs;
  }

  get #running(): readonly SimulatedWorker[] {
    return this.#workers
      .filter(({ stoppedUntilMs }) => stoppedUntilMs <= this.#nowMs)
      .map(({ worker }) => worker);
  }

  async #begin(): Promise<void> {
    const queues = await openQueues(this.#urls.redisUrl);
    this.#queues = queues;
    this.#schedulerRedis = createProducerRedis({ url: this.#urls.redisUrl });
    await waitUntilReady(this.#schedulerRedis);
    // Another year's schedules would be ahead of this one's clock.
    await this.#schedulerRedis.flushall();
    for (const aheadMs of AHEAD_MS) {
      const nowMs = () => this.#nowMs;
      const worker = await openWorker({ ...this.#urls, queues, nowMs, aheadMs });
      this.#workers.push({ worker, stoppedUntilMs: 0 });
    }
    this.#producers = {
      events: await Producer.open(this.pool, 'events', 'simulated-ingest'),
      counts: await Producer.open(this.pool, 'mqtt', 'simulated-counter'),
    };
    for (const slug of ['acme', 'umbra', 'zeta']) {
      await this.world.addOrganization(slug, START_MS);
      this.world.plan(slug, START_MS);
    }
    await this.pool.query(
      `with plan as (
         insert into plans (slug, version, currency, valid_from) values ($1, 1, 'EUR', $2) returning id
       ), limits as (
         insert into plan_limits (plan_id, resource, scope, included, price_per_unit)
         select id, 'api_calls', 'project', 100, 0.37 from plan
       )
       insert into organization_plans (organization_id, since, plan)
       select id, $2, $1 from organizations where slug = 'acme'`,
      [PLAN, new Date(START_MS)],
    );
  }

  /** A day, from a moment before its midnight on: the scheduler is replaced there, whatever else happens. */
  async #day(dayMs: number): Promise<void> {
    const random = this.#random;
    this.#clock.advanceTo(dayMs - 1);
    await this.#stopScheduler();
    this.#clock.advanceTo(dayMs + random.integer(0, 3_000));
    await this.#startScheduler();
    if (random.next() < 0.4) await this.#work();
    await this.#changeWorld();
    const times = Array.from({ length: random.integer(0, 2) }, () =>
      random.integer(HOUR_MS, DAY_MS - 2),
    );
    for (const offsetMs of times.sort((a, b) => a - b)) {
      this.#clock.advanceTo(dayMs + offsetMs);
      await this.#send();
      if (random.next() < 0.5) await this.#work();
    }
  }

  async #changeWorld(): Promise<void> {
    const { world } = this;
    const random = this.#random;
    if (random.next() < 0.02 && world.organizations.length < 5) {
      const slug = `late${world.organizations.length}`;
      await world.addOrganization(slug, this.#nowMs);
      world.plan(slug, this.#nowMs);
    }
    if (random.next() < 0.04) world.plan(random.pick(world.organizations), this.#nowMs);
    const [archivable] = random.shuffle(world.live().filter(({ id }) => id !== null));
    if (archivable !== undefined && world.live().length > 4 && random.next() < 0.03) {
      await world.archive(archivable, this.#nowMs);
    }
    await world.register(this.#nowMs);
    for (const stopped of this.#workers) {
      if (stopped.stoppedUntilMs > this.#nowMs || random.next() > 0.04) continue;
      stopped.stoppedUntilMs = this.#nowMs + random.integer(1, 240) * HOUR_MS;
      this.counts.stops += 1;
    }
    if (random.next() < 0.06) {
      const { worker } = random.pick(this.#workers);
      await this.#dead.retry(worker, (work) => this.#insist(work));
      await this.periods.look();
    }
    if (random.next() < 0.3) await this.#force();
  }

  async #send(): Promise<void> {
    const { world, usage } = this;
    const random = this.#random;
    const nowMs = this.#nowMs;
    // What is archived may still be used: a device that nobody told.
    const projects = random.next() < 0.1 ? world.projects : world.live();
    if (this.#producers === undefined || this.#queues === undefined) return;
    for (let i = random.integer(0, 3); i > 0; i -= 1) {
      this.counts.batches += 1;
      if (random.next() < 0.3) {
        const batch = this.#producers.counts.counts(usage.counts(projects, nowMs));
        await this.#queues.counts.add('count-batch', batch, batchJobId(batch));
        continue;
      }
      const events = [...usage.events(projects, nowMs)];
      const ofUmbra = projects.filter(({ organization }) => organization === 'umbra');
      if (random.next() < 0.08 && ofUmbra.length > 0) {
        events.push(usage.poison(random.pick(ofUmbra), nowMs));
        this.counts.deadLetters += 1;
      }
      const batch = this.#producers.events.events(events);
      await this.#queues.events.add('event-batch', batch, batchJobId(batch));
    }
  }

  /** Everybody who runs does what there is, all at once. */
  async #work(): Promise<void> {
    const random = this.#random;
    const running = random.shuffle(this.#running);
    const [first, second = first] = running;
    if (first === undefined || second === undefined) return;
    const tasks: Promise<void>[] = [];
    for (const worker of running) {
      const limit = random.integer(1, 6);
      tasks.push(this.#applyJobs(worker, random.pick(running), limit));
    }
    tasks.push(this.#answerBells(first, second));
    if (random.next() < 0.3) tasks.push(this.#insist(() => first.attribute().then(() => {})));
    if (random.next() < 0.7) tasks.push(this.#read(first, second));
    if (random.next() < 0.2) tasks.push(this.#replay(second));
    await Promise.all(tasks);
    await this.periods.look();
  }

  async #applyJobs(worker: SimulatedWorker, rival: SimulatedWorker, limit: number): Promise<void> {
    const random = this.#random;
    for (const queue of ['events', 'counts'] as const) {
      const jobs = await worker.take(queue, limit);
      if (jobs.length === 0) continue;
      if (queue === 'events' && random.next() < 0.03) {
        for (const job of jobs) await this.#dead.add(job, this.#nowMs);
        this.counts.deadLetters += jobs.length;
        continue;
      }
      const batches = jobs.map(({ data }) => data);
      const apply = (by: SimulatedWorker) =>
        queue === 'events'
          ? by.applyEvents(batches as EventBatch[])
          : by.applyCounts(batches as CountBatch[]);
      this.#plant(worker);
      const both = random.next() < 0.2 && rival !== worker;
      await Promise.all([
        this.#insist(() => apply(worker)),
        ...(both ? [this.#insist(() => apply(rival))] : []),
      ]);
      worker.faulty.mend();
      for (const job of jobs) {
        await complete(job);
        this.#applied.push({ queue, batch: job.data });
      }
    }
  }

  /** A batch that was applied long ago comes again. */
  async #replay(worker: SimulatedWorker): Promise<void> {
    if (this.#applied.length === 0) return;
    const { queue, batch } = this.#random.pick(this.#applied);
    this.counts.replays += 1;
    await this.#insist(() =>
      queue === 'events'
        ? worker.applyEvents([batch as EventBatch])
        : worker.applyCounts([batch as CountBatch]),
    );
  }

  async #read(first: SimulatedWorker, second: SimulatedWorker): Promise<void> {
    const random = this.#random;
    const readings = this.usage.readingsOf(this.world.live(), this.#nowMs);
    if (readings.length === 0) return;
    this.counts.readings += readings.length;
    const rows = readings.map(readingRow);
    this.#plant(first);
    await Promise.all([
      this.#insist(() => first.record(rows)),
      // The reading that was recorded first stays; the same again is no news.
      ...(random.next() < 0.2 ? [this.#insist(() => second.record(rows))] : []),
    ]);
    first.faulty.mend();
  }

  /** Bells come from the scheduler's own jobs, as BullMQ makes them due by the simulated clock. */
  async #answerBells(first: SimulatedWorker, second: SimulatedWorker): Promise<void> {
    const random = this.#random;
    if (random.next() < 0.05) await this.#ask();
    for (const job of await first.take('periods', 6)) {
      const isLost = random.next() < (job.name === 'due' ? 0.6 : 0.9);
      if (isLost) this.counts.bellsLost += 1;
      else await this.#answer(job, first, second);
      await complete(job);
    }
  }

  async #answer(job: Job, first: SimulatedWorker, second: SimulatedWorker): Promise<void> {
    const random = this.#random;
    const typed = { name: job.name, jobId: job.id, payload: job.data } as PeriodsJob<'periods'>;
    const both = random.next() < 0.25;
    this.counts.bells += 1;
    if (both) this.counts.bellsTwice += 1;
    await Promise.all(
      (both ? [first, second] : [first]).map(async (worker) => {
        this.#plant(worker);
        const abort = new AbortController();
        const timer =
          random.next() < 0.2 ? setTimeout(() => abort.abort(), random.integer(0, 60)) : undefined;
        try {
          await worker.doPeriods(typed, abort.signal);
        } catch (error) {
          if (isPlanted(error)) this.counts.failed += 1;
          else if (abort.signal.aborted) this.counts.aborted += 1;
          else throw error;
        } finally {
          clearTimeout(timer);
          worker.faulty.mend();
        }
      }),
    );
  }

  /** What an operator asks for by hand, at any time and for any month or day. */
  async #ask(): Promise<void> {
    const random = this.#random;
    this.#nextAsked += 1;
    const date = new Date(random.integer(START_MS, this.#nowMs)).toISOString();
    if (random.next() < 0.5) {
      await this.#queues?.periods.add(
        'snapshot',
        { date: date.slice(0, 10) },
        `asked.snapshot.${this.#nextAsked}`,
      );
    } else {
      await this.#queues?.periods.add(
        'close-month',
        { month: date.slice(0, 7), part: 1 },
        `asked.close.${this.#nextAsked}`,
      );
    }
  }

  async #force(): Promise<void> {
    const { rowCount } = await this.pool.query(
      `update periods f set forced_by = 'operator', forced_reason = 'simulated'
       where f.state = 'draft' and f.forced_by is null and cardinality(f.held_up_by) > 0`,
    );
    this.counts.forced += rowCount ?? 0;
  }

  /** The end: everybody works until nothing is left to do. */
  async #settle(): Promise<void> {
    for (const stopped of this.#workers) stopped.stoppedUntilMs = 0;
    const [first, second] = this.#running;
    if (first === undefined || second === undefined) return;
    await this.world.register(Number.POSITIVE_INFINITY);
    for (const queue of ['events', 'counts'] as const) {
      for (let waiting = 1; waiting > 0; ) {
        await this.#applyJobs(first, second, 50);
        waiting = (await this.#queues?.[queue].depth())?.waiting ?? 0;
      }
    }
    await this.#dead.retry(first, (work) => this.#insist(work));
    await this.periods.look();
    await this.#insist(() => first.attribute().then(() => {}));
    await this.periods.look();
    for (let i = 0; i < 2; i += 1) {
      const due = { name: 'due', jobId: 'last', payload: { bell: 'asked' } } as const;
      await first.doPeriods(due, new AbortController().signal);
    }
    await this.periods.look();
  }

  /** Sometimes a statement of the worker's next transactions fails, or is done and its answer lost. */
  #plant(worker: SimulatedWorker): void {
    const random = this.#random;
    if (random.next() < 0.15) worker.faulty.failOnce(random.integer(0, 25), random.next() < 0.5);
  }

  /** As a queue does: what failed for want of Postgres is tried again. */
  async #insist(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isPlanted(error)) throw error;
        this.counts.failed += 1;
      }
    }
  }

  async #startScheduler(): Promise<void> {
    if (this.#schedulerRedis === undefined) return;
    this.#scheduler = openScheduler(this.#urls.url, this.#schedulerRedis);
    await this.#scheduler.look();
    this.counts.schedulers += 1;
  }

  async #stopScheduler(): Promise<void> {
    await this.#scheduler?.close();
    this.#scheduler = undefined;
  }
}

function readingRow({ project, meterId, atMs, value }: SentReading) {
  return {
    projectId: project.id ?? '',
    organizationId: project.organizationId,
    meterId,
    at: new Date(atMs).toISOString(),
    value: String(value),
  };
}
