import { beginClosing } from '@odometer/database/periods/due-closes';
import { createPool, inTransaction, type Pool } from '@odometer/database/pool';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { eventually } from '@odometer/testing/eventually';
import type { SeededRandom } from '@odometer/testing/seeded-random';
import { simulatePostgresClock } from '@odometer/testing/simulated-postgres-clock';
import { closeMonth } from '../../services/stats-worker/src/periods/close-month.ts';
import { refreshDays } from '../../services/stats-worker/src/periods/refresh-days.ts';
import { checkHours, differing } from './check-sums.ts';
import { checkVerification } from './check-verification.ts';
import { isPlanted } from './faulty-pool.ts';
import { Producer } from './producer.ts';
import { SentUsage, scaled } from './sent-usage.ts';
import { type Appliers, createAppliers } from './simulated-worker.ts';

const APPLIERS = 8;
const ORGANIZATIONS = ['acme', 'bolt', 'cask', 'dune', 'echo', 'fern'] as const;
const PROJECTS = ['web', 'app'] as const;
const CLOSING_MS = Date.UTC(2026, 7, 1);
const CURRENT_MS = Date.UTC(2026, 8, 1);
/** The clock stands still: what races is transactions. */
const NOW_MS = Date.UTC(2026, 8, 29);
/** Batches of every applier between two flips. */
const BETWEEN_FLIPS = 6;
/** A closer that has not come through by then is starved. */
const MAX_BATCHES = 1_500;
/**
 * Batches of one applier from when a flip is asked for until it has committed: the one it is in, and those that begin
 * before the closer's lock request arrives. Behind that everybody queues.
 */
const MAX_DURING_A_FLIP = 10;
/** Batches that meet on one day, so that days are marked, refreshed and marked again, and then left alone. */
const BATCHES_A_DAY = 3;
/** Never over: only what is flipped by hand is closed. */
const GRACE_MS = 10_000 * 86_400_000;
const NEVER = new AbortController().signal;

export interface RaceOptions {
  readonly url: string;
  readonly random: SeededRandom;
  /** Whether days are refreshed all the time, and statements of appliers fail. */
  readonly refreshing: boolean;
}

/** Usage is added to a month over eight connections while it is closed for one organization after another. */
export async function raceWithClose(options: RaceOptions): Promise<readonly string[]> {
  const { url, random } = options;
  const pool = createPool({ url, applicationName: 'race', maxConnections: 4 }, () => {});
  await simulatePostgresClock(pool, () => NOW_MS);
  const race = new Race(options, pool);
  const appliers = await Promise.all(
    Array.from({ length: APPLIERS }, () =>
      createAppliers({ url, maxConnections: 1, nowMs: () => NOW_MS }),
    ),
  );
  try {
    const ids = await register(pool);
    const running = await Promise.all(
      appliers.map(async (applier, i) => {
        const producer = await Producer.open(pool, 'events', `race-${i}`);
        return race.apply(applier, producer, i);
      }),
    ).then((loops) => loops.map((loop) => loop()));
    const refresher = options.refreshing ? race.refresh() : undefined;
    try {
      for (const id of random.shuffle(ids)) await race.close(id);
    } finally {
      race.stop();
      await Promise.all([...running, refresher]);
    }
    return [...race.violations, ...(await race.check(ids))];
  } finally {
    for (const applier of appliers) await applier.faulty.end();
    await pool.end();
  }
}

/** running ──stop()──▶ stopping: every loop ends after what it is doing. */
class Race {
  readonly violations: string[] = [];
  readonly #sent = new SentUsage();
  readonly #applied = new Array<number>(APPLIERS).fill(0);
  /** By organization: its hours of the closing month, as they were when it was flipped. */
  readonly #flipped = new Map<string, string>();
  readonly #random: SeededRandom;
  readonly #pool: Pool;
  readonly #failing: boolean;
  #stopping = false;
  #nextId = 0;

  constructor({ random, refreshing }: RaceOptions, pool: Pool) {
    this.#random = random;
    this.#pool = pool;
    this.#failing = refreshing;
  }

  stop(): void {
    this.#stopping = true;
  }

  /** @returns the loop of one applier. */
  apply(applier: Appliers, producer: Producer, index: number): () => Promise<void> {
    return async () => {
      const random = this.#random;
      for (let n = 0; !this.#stopping; n += 1) {
        if (n === MAX_BATCHES) {
          this.violations.push(`starved: an applier has applied ${n} batches meanwhile`);
          return;
        }
        const batch = producer.events(this.#events(Math.floor(n / BATCHES_A_DAY) % 28));
        if (this.#failing && random.next() < 0.2) {
          applier.faulty.failOnce(random.integer(4, 16), random.next() < 0.3);
        }
        await insist(() => applier.applyEvents([batch]));
        applier.faulty.mend();
        this.#applied[index] = n + 1;
      }
    };
  }

  async refresh(): Promise<void> {
    while (!this.#stopping) await refreshDays(this.#pool, NEVER);
  }

  /** Flips one organization's month and closes it, in the middle of everything. */
  async close(id: string): Promise<void> {
    await this.#waitForBatches();
    const before = [...this.#applied];
    await inTransaction(this.#pool, (transaction) =>
      beginClosing(transaction, CLOSING_MS, [id], new Date(NOW_MS).toISOString()),
    );
    for (const [i, applied] of this.#applied.entries()) {
      const meanwhile = applied - (before[i] ?? 0);
      if (meanwhile > MAX_DURING_A_FLIP)
        this.violations.push(`an applier has overtaken a flip ${meanwhile} times`);
    }
    this.#flipped.set(id, await hoursOf(this.#pool, id));
    const parts = { pool: this.#pool, usageQueues: [], graceMs: GRACE_MS };
    const { discrepancies } = await closeMonth(parts, CLOSING_MS, NOW_MS, NEVER);
    for (const discrepancy of discrepancies)
      this.violations.push(`does not add up: ${JSON.stringify(discrepancy)}`);
  }

  async check(ids: readonly string[]): Promise<readonly string[]> {
    await refreshDays(this.#pool, NEVER);
    const changed: string[] = [];
    for (const id of ids) {
      if (this.#flipped.get(id) !== (await hoursOf(this.#pool, id)))
        changed.push(`hours of organization ${id} have changed after its flip`);
    }
    const { rows } = await this.#pool.query(
      "select count(*)::int as final, (select count(*)::int from usage_adjustments) as late from periods where state = 'final'",
    );
    if (rows[0].final !== ids.length) changed.push(`${rows[0].final} organizations are closed`);
    if (rows[0].late === 0) changed.push('nothing was late: there was no race');
    return [
      ...changed,
      ...(await checkHours(this.#pool, this.#sent)),
      ...(await differing(this.#pool, 'days that miss a change', DAYS_WITHOUT_THEIR_HOURS)),
      ...(await checkVerification(this.#pool)),
    ];
  }

  async #waitForBatches(): Promise<void> {
    const goals = this.#applied.map((applied) => applied + BETWEEN_FLIPS);
    await eventually(() => this.#applied.every((applied, i) => applied >= (goals[i] ?? 0)), {
      deadlineMs: 60_000,
      intervalMs: 1,
    });
  }

  #events(day: number): readonly EventEnvelope[] {
    const random = this.#random;
    return Array.from({ length: 6 }, () => {
      const [organization, project] = [random.pick(ORGANIZATIONS), random.pick(PROJECTS)];
      const monthMs = random.pick([CLOSING_MS, CURRENT_MS]);
      const timeMs = monthMs + day * 86_400_000 + random.integer(0, 86_399_999);
      const value = `${random.integer(0, 99)}.${random.integer(0, 99)}`;
      this.#nextId += 1;
      this.#sent.add(`${organization}/${project}`, 'api_calls', timeMs, scaled(value));
      return {
        organization,
        project,
        id: `race-${this.#nextId}`,
        source: 'race',
        type: 'api_calls',
        subject: `${organization}/${project}`,
        time: new Date(timeMs).toISOString(),
        data: { value },
        ingestedAtMs: NOW_MS,
      };
    });
  }
}

const DAYS_WITHOUT_THEIR_HOURS = `
  select * from (
    select project_id, meter_id, (hour at time zone 'UTC')::date as day, sum(sum) as hours, sum(count) as n
    from usage_hourly group by 1, 2, 3
  ) h full join (select project_id, meter_id, day, sum, count from usage_daily) d using (project_id, meter_id, day)
  where (hours, n) is distinct from (sum, count)`;

async function hoursOf(pool: Pool, organizationId: string): Promise<string> {
  const { rows } = await pool.query(
    `select count(*) as hours, sum(sum) as sum, sum(hash_record_extended(h, 0)) as hash from usage_hourly h
     where organization_id = $1 and hour < $2`,
    [organizationId, new Date(CURRENT_MS)],
  );
  return JSON.stringify(rows);
}

/** @returns the organizations' ids; each has its draft. */
async function register(pool: Pool): Promise<readonly string[]> {
  const created = new Date(CLOSING_MS);
  const { rows } = await pool.query<{ id: string }>(
    'insert into organizations (slug, created_at) select unnest($1::text[]), $2 returning id',
    [ORGANIZATIONS, created],
  );
  await pool.query(
    `insert into projects (organization_id, slug, created_at)
     select o.id, p, $2 from organizations o cross join unnest($1::text[]) p`,
    [PROJECTS, created],
  );
  await pool.query(
    "insert into periods (organization_id, month, state, drafted_at) select id, $1, 'draft', $2 from organizations",
    [created, new Date(CURRENT_MS)],
  );
  return rows.map(({ id }) => id);
}

async function insist(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isPlanted(error)) throw error;
    }
  }
}
