import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { CountBatch } from '@odometer/queues/catalogue';
import type { SeededRandom } from '@odometer/testing/seeded-random';
import { EVENT_METERS, GAUGES } from './meters.ts';
import { type SentUsage, scaled } from './sent-usage.ts';
import type { Project } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A reading that was recorded, for the test's own averages. */
export interface SentReading {
  readonly project: Project;
  readonly meterId: number;
  readonly atMs: number;
  readonly value: bigint;
}

/** Makes up usage, and remembers what of it counts. */
export class UsageMaker {
  readonly sent: SentUsage;
  readonly readings: SentReading[] = [];
  readonly #readHours = new Set<string>();
  readonly #random: SeededRandom;
  readonly #startMs: number;
  readonly #events: EventEnvelope[] = [];
  #nextId = 0;

  constructor(random: SeededRandom, sent: SentUsage, startMs: number) {
    this.#random = random;
    this.sent = sent;
    this.#startMs = startMs;
  }

  events(projects: readonly Project[], nowMs: number): readonly EventEnvelope[] {
    const random = this.#random;
    return Array.from({ length: random.integer(1, 25) }, () => {
      const again = random.next() < 0.05 && this.#events.length > 0;
      // A client's retry: the same event, in another batch, perhaps months later.
      if (again) return random.pick(this.#events);
      const event = this.#event(random.pick(projects), nowMs);
      this.#events.push(event);
      return event;
    });
  }

  /** An event that Postgres refuses, once it is mended counts `value`. */
  poison(project: Project, nowMs: number): EventEnvelope {
    const event = this.#envelope(project, 'logs', nowMs, { value: 3, note: 'a\u0000b' });
    this.sent.add(project.path, 'logs', Date.parse(event.time), scaled('3'));
    return event;
  }

  counts(projects: readonly Project[], nowMs: number): CountBatch['hours'] {
    const random = this.#random;
    return Array.from({ length: random.integer(1, 2) }, () => {
      // What was counted has come: of a counter whose clock is ahead the hour is put right, and may be so or not, by when it is applied.
      const hourMs = Math.floor(Math.min(this.#time(nowMs), nowMs) / HOUR_MS) * HOUR_MS;
      const owners = random.shuffle(projects).slice(0, random.integer(1, 3));
      const counts = owners.map((project) => {
        const [inbound, outbound] = [random.integer(0, 40), random.integer(0, 9)];
        const figures = [
          inbound,
          inbound * random.integer(20, 9_000),
          inbound * random.integer(1, 2),
          outbound,
          outbound * random.integer(20, 900),
          outbound,
        ] as const;
        this.sent.addMessages(project.path, hourMs, figures);
        return [project.organization, project.slug, '', ...figures] as const;
      });
      return { hourMs, counts };
    });
  }

  /** What gauges are read at: with holes, some late, some twice. Of projects that are registered. */
  readingsOf(projects: readonly Project[], nowMs: number): readonly SentReading[] {
    const random = this.#random;
    const fresh: SentReading[] = [];
    for (const project of projects) {
      for (const { id } of GAUGES) {
        if (project.id === null || random.next() < 0.55) continue;
        const backMs = random.next() < 0.1 ? random.integer(1, 50 * 24) * HOUR_MS : 0;
        const atMs = nowMs - backMs - random.integer(0, HOUR_MS - 1);
        if (atMs < project.createdAtMs) continue;
        const hour = `${project.path} ${id} ${Math.floor(atMs / HOUR_MS)}`;
        if (this.#readHours.has(hour)) continue;
        this.#readHours.add(hour);
        fresh.push({ project, meterId: id, atMs, value: BigInt(random.integer(0, 9_999_999)) });
      }
    }
    this.readings.push(...fresh);
    return fresh;
  }

  #event(project: Project, nowMs: number): EventEnvelope {
    const random = this.#random;
    const kind = random.next();
    if (kind < 0.02) return this.#envelope(project, 'unheard_of', this.#time(nowMs), {});
    const meter = random.pick(EVENT_METERS);
    const timeMs = this.#time(nowMs);
    if (kind < 0.04) return this.#envelope(project, meter, timeMs, { value: 'a lot' });
    const value = this.#value();
    this.sent.add(project.path, meter, timeMs, scaled(value === undefined ? '1' : String(value)));
    return this.#envelope(project, meter, timeMs, value === undefined ? {} : { value });
  }

  #value(): number | string | undefined {
    const random = this.#random;
    switch (random.integer(0, 5)) {
      case 0:
        return undefined;
      case 1:
        return `${random.integer(0, 9)}.${random.integer(1, 999_999)}`;
      case 2:
        return random.integer(1, 999) / 8;
      case 3:
        return `${random.integer(1, 9)}00000000000000000000.00000000000${random.integer(1, 9)}`;
      default:
        return random.integer(0, 500);
    }
  }

  /** Mostly of the last day; some late by up to a year, some a little ahead of the clock. */
  #time(nowMs: number): number {
    const random = this.#random;
    const kind = random.next();
    if (kind < 0.03) return nowMs + random.integer(0, 300_000);
    if (kind < 0.13) return random.integer(this.#startMs - 40 * DAY_MS, nowMs);
    if (kind < 0.25) return nowMs - random.integer(0, 10 * DAY_MS);
    return nowMs - random.integer(0, DAY_MS);
  }

  #envelope(project: Project, type: string, timeMs: number, data: unknown): EventEnvelope {
    this.#nextId += 1;
    return {
      organization: project.organization,
      project: project.slug,
      id: `id-${this.#nextId}`,
      source: 'simulated',
      type,
      subject: project.path,
      time: new Date(timeMs).toISOString(),
      data,
      ingestedAtMs: Date.now(),
    };
  }
}
