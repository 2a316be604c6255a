import type { Figure } from '../figure.ts';
import { note } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { median, rounded } from '../statistics.ts';
import { bareSeconds, loopSeconds, odometerSeconds } from './close-runs.ts';
import { fillMonth } from './fill-month.ts';

const PROJECTS = 10_000;
/** Of them, for the loop: all would take a quarter of an hour each time. */
const LOOP_SHARE = 0.02;
const MAX_RATIO = 2;
const MIN_LOOP_RATIO = 50;

/** The close of a month for 10,000 projects × 10 meters × 31 days: all that is verified, frozen and hashed, to the manifest. */
export async function closeMonthFigures(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const projects = Math.max(100, Math.round(PROJECTS * settings.scale));
  note('  filling the month');
  const template = await servers.prepare((db) => fillMonth(db, projects));
  const seconds = await interleave('close-month', settings.pairs, [
    { name: 'odometer', run: () => odometerSeconds(servers, settings, template) },
    { name: 'bare', run: () => bareSeconds(servers, template) },
    {
      name: 'loop',
      run: () => loopSeconds(servers, template, projects, Math.ceil(projects * LOOP_SHARE)),
    },
  ]);
  const comparison = compare(seconds.odometer, seconds.bare);
  const loopRatio = compare(seconds.loop, seconds.odometer).ratio;
  return [
    {
      bench: 'close-month',
      value: rounded(median(seconds.odometer)),
      unit: 's',
      against: 'insert … select … group by of the same days',
      ...comparison,
      loop: rounded(median(seconds.loop)),
      loopRatio,
      // What the bare statement itself makes of the loop: no close can be much more.
      bareLoopRatio: compare(seconds.loop, seconds.bare).ratio,
      target: `ratio ≤ ${MAX_RATIO}, loopRatio ≥ ${MIN_LOOP_RATIO}`,
      reached: comparison.ratio <= MAX_RATIO && loopRatio >= MIN_LOOP_RATIO,
    },
  ];
}
