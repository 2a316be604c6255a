import type { Pool } from '@odometer/database/pool';
import type { SentReading } from './make-usage.ts';
import { GAUGES } from './meters.ts';
import { scaled } from './sent-usage.ts';
import type { Project } from './world.ts';

const DAY_MS = 86_400_000;
/** Averages have six digits. */
const HALF_A_DIGIT = 500_000n;

/** A level that was known when its month was closed. */
interface Level {
  readonly atMs: number;
  readonly value: bigint;
}

/**
 * Peaks, averages and the levels of days, worked out from the readings alone. A reading that came after its month was closed
 * is an adjustment, and changes no level.
 */
export async function checkGauges(
  db: Pool,
  projects: readonly Project[],
  readings: readonly SentReading[],
  endMs: number,
): Promise<readonly string[]> {
  const { rows: late } = await db.query<{ key: string }>(
    `select project_id || ' ' || meter_id || ' ' || extract(epoch from hour)::bigint as key from usage_adjustments
     where meter_id = any($1)`,
    [GAUGES.map(({ id }) => id)],
  );
  const isLate = new Set(late.map(({ key }) => key));
  const differences: string[] = [];
  if (late.length === 0) differences.push('no reading came late: the year was too easy');
  for (const project of projects) {
    for (const { id, slug } of GAUGES) {
      const levels = readings
        .filter((reading) => reading.project === project && reading.meterId === id)
        .filter(
          ({ atMs }) => !isLate.has(`${project.id} ${id} ${Math.floor(atMs / 3_600_000) * 3_600}`),
        )
        .sort((a, b) => a.atMs - b.atMs);
      const gauge = { project, id, slug, levels };
      differences.push(...(await checkMonths(db, gauge)), ...(await checkDays(db, gauge, endMs)));
    }
  }
  return differences.slice(0, 8);
}

interface Gauge {
  readonly project: Project;
  readonly id: number;
  readonly slug: string;
  readonly levels: readonly Level[];
}

async function checkMonths(db: Pool, gauge: Gauge): Promise<readonly string[]> {
  const { rows } = await db.query<{ month: Date; max: string | null; average: string | null }>(
    `select month, max::text, average::text from usage_monthly
     where project_id = $1 and meter_id = $2 and final order by 1`,
    [gauge.project.id, gauge.id],
  );
  return rows.flatMap(({ month, max, average }) => {
    const startMs = month.getTime();
    const endMs = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1);
    const { peak, mean } = monthOf(gauge, startMs, endMs);
    const off = average === null ? null : scaled(average) - mean;
    const isSame =
      (max ?? '0') === String(peak) && off !== null && off <= HALF_A_DIGIT && -off <= HALF_A_DIGIT;
    if (isSame) return [];
    const found = `peak ${max}, average ${average}`;
    return [
      `${name(gauge)} ${month.toISOString().slice(0, 7)}: ${found}, should be ${peak}, ${mean}e-12`,
    ];
  });
}

/** Peak, and the average as a whole number of 10^-12. */
function monthOf({ project, levels }: Gauge, startMs: number, endMs: number) {
  const untilMs = Math.min(endMs, project.archivedAtMs ?? endMs);
  let peak = 0n;
  let area = 0n;
  const add = (value: bigint, fromMs: number, toMs: number) => {
    if (toMs <= fromMs) return;
    if (value > peak) peak = value;
    area += value * BigInt(toMs - fromMs);
  };
  for (const [i, { atMs, value }] of levels.entries()) {
    const next = levels[i + 1]?.atMs ?? endMs;
    add(value, Math.max(atMs, startMs), Math.min(next, untilMs));
  }
  return { peak, mean: (area * scaled('1')) / BigInt(endMs - startMs) };
}

async function checkDays(db: Pool, gauge: Gauge, endMs: number): Promise<readonly string[]> {
  const { project, slug, levels } = gauge;
  const { rows } = await db.query<{ date: string; level: string }>(
    `select date::text, ${slug}::text as level from daily_stats where project_id = $1 and date < $2 order by 1`,
    [project.id, new Date(endMs).toISOString().slice(0, 10)],
  );
  return rows.flatMap(({ date, level }) => {
    const startMs = Date.parse(date);
    const isThere =
      startMs + DAY_MS > project.createdAtMs && startMs <= (project.archivedAtMs ?? endMs);
    const last = levels.findLast(({ atMs }) => atMs < startMs + DAY_MS)?.value ?? 0n;
    if (!isThere || level === String(last)) return [];
    return [`${name(gauge)} ${date}: ${level}, should be ${last}`];
  });
}

function name({ project, slug }: Gauge): string {
  return `${project.path} ${slug}`;
}
