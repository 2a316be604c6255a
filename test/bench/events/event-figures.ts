import type { Figure } from '../figure.ts';
import { note } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { median, percentile, rounded } from '../statistics.ts';
import { naiveRate, odometerRate, plainLoopRate, withOdometer } from './event-runs.ts';

/** Transactions of the plain loop have 2,000 rows, and loads are made of whole ones. */
const UNIT = 2_000;
const LATENCY_SECONDS = 8;

function load(settings: Settings, events: number): number {
  return Math.max(1, Math.round((events * settings.scale) / UNIT)) * UNIT;
}

interface Shape {
  readonly bench: 'events-batch100' | 'events-single';
  readonly batch: number;
  readonly events: number;
  readonly naiveEvents: number;
  /** Ratios aimed at: against the plain loop, and against the naive shape. */
  readonly goals?: { readonly plain: number; readonly naive: number };
}

async function throughput(servers: Servers, settings: Settings, shape: Shape): Promise<Figure> {
  const { bench, batch, goals } = shape;
  const warmUp = load(settings, 20_000);
  const ours = { batch, warmUp, events: load(settings, shape.events) };
  const plain = { warmUp, events: load(settings, 200_000) };
  const naive = { batch, warmUp: load(settings, 4_000), events: load(settings, shape.naiveEvents) };
  const rates = await interleave(bench, settings.pairs, [
    { name: 'odometer', run: () => odometerRate(servers, settings, ours) },
    { name: 'plain', run: () => plainLoopRate(servers, plain) },
    { name: 'naive', run: () => naiveRate(servers, naive) },
  ]);
  const comparison = compare(rates.odometer, rates.plain);
  const naiveRatio = compare(rates.odometer, rates.naive).ratio;
  return {
    bench,
    value: rounded(median(rates.odometer)),
    unit: 'events/s',
    against: 'plain loop inserting the same rows, 2,000 a transaction',
    ...comparison,
    naive: rounded(median(rates.naive)),
    naiveRatio,
    ...(goals === undefined
      ? {}
      : {
          target: `ratio ≥ ${goals.plain}, naiveRatio ≥ ${goals.naive}`,
          reached: comparison.ratio >= goals.plain && naiveRatio >= goals.naive,
        }),
  };
}

export async function eventsBatch100(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  return [
    await throughput(servers, settings, {
      bench: 'events-batch100',
      batch: 100,
      events: 160_000,
      naiveEvents: 10_000,
      goals: { plain: 0.5, naive: 10 },
    }),
  ];
}

export async function eventsSingle(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  return [
    await throughput(servers, settings, {
      bench: 'events-single',
      batch: 1,
      events: 40_000,
      naiveEvents: 8_000,
    }),
  ];
}

/** How long a client with one event waits for its answer while the machine does half of what it could. */
export async function eventsLatency(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const warmUp = load(settings, 20_000);
  const medians: number[] = [];
  const p99s: number[] = [];
  const rates: number[] = [];
  for (let round = 1; round <= Math.min(3, settings.pairs); round += 1) {
    const full = await odometerRate(servers, settings, {
      batch: 1,
      warmUp,
      events: load(settings, 40_000),
    });
    const perSecond = full / 2;
    const requests = warmUp + Math.round(perSecond * LATENCY_SECONDS * Math.min(1, settings.scale));
    const latenciesMs = await withOdometer(
      servers,
      settings,
      { batch: 1, requests },
      async ({ send }) => {
        await send({ from: 0, to: warmUp });
        return (await send({ from: warmUp, to: requests, perSecond })).latenciesMs;
      },
    );
    rates.push(perSecond);
    medians.push(median(latenciesMs));
    p99s.push(percentile(latenciesMs, 0.99));
    note(
      `  events-latency ${round}: at ${rounded(perSecond)}/s median ${rounded(medians.at(-1) ?? 0)} ms, p99 ${rounded(p99s.at(-1) ?? 0)} ms`,
    );
  }
  return [
    {
      bench: 'events-latency',
      value: rounded(median(medians)),
      unit: 'ms',
      p99: rounded(median(p99s)),
      requestsPerSecond: rounded(median(rates)),
      load: 'half of the rate of single events, evenly, open loop',
    },
  ];
}
