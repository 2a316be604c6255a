import type { Figure } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { median, rounded } from '../statistics.ts';
import { bareRate, odometerRate } from './object-runs.ts';

const CHANGES = 200_000;
const MIN_RATIO = 0.5;

/** Changes of objects, from the queue to the ledger with its levels and byte-time, against bare upserts of the same rows. */
export async function objectChangesFigures(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const count = Math.max(1_000, Math.round((CHANGES * settings.scale) / 1_000) * 1_000);
  const rates = await interleave('object-changes', settings.pairs, [
    { name: 'odometer', run: () => odometerRate(servers, settings, count) },
    { name: 'bare', run: () => bareRate(servers, count) },
  ]);
  const comparison = compare(rates.odometer, rates.bare);
  return [
    {
      bench: 'object-changes',
      value: rounded(median(rates.odometer)),
      unit: 'changes/s',
      against: 'bare upserts of the same rows, 1,000 a statement',
      ...comparison,
      target: `ratio ≥ ${MIN_RATIO}`,
      reached: comparison.ratio >= MIN_RATIO,
    },
  ];
}
