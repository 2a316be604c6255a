import { findMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import type { MeasurementRequest } from '@odometer/database/measuring/measurements';
import type { Queryable } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { toTimestamp } from '@odometer/domain/period';
import { MAX_ASKED_HOURS } from '@odometer/domain/readings/asked-hours';
import { readingDeclarationSchema } from '@odometer/domain/readings/reading-declaration';
import type { DeclaredTarget } from './declared-targets.ts';

const HOUR_MS = 3_600_000;

/** Of `--from` and `--to`, milliseconds. */
export interface AskedHours {
  readonly from?: number;
  readonly to?: number;
}

/**
 * Whole hours that somebody wants to have read again, as options of the measurement; none when nobody asks for any.
 *
 * @throws OdometerError `query_invalid`
 */
export function askedHours({ from, to }: AskedHours, nowMs: number): MeasurementRequest['options'] {
  if (from === undefined) {
    if (to !== undefined) throw invalid('--to', 'needs --from');
    return {};
  }
  for (const [parameter, atMs] of [
    ['--from', from],
    ['--to', to ?? from],
  ] as const) {
    if (atMs % HOUR_MS !== 0) throw invalid(parameter, 'should be a whole hour, 2026-10-01T10:00Z');
  }
  if (from >= nowMs) throw invalid('--from', 'should be in the past');
  if (to !== undefined && to <= from) throw invalid('--to', 'should be after --from');
  const hours = (Math.min(to ?? nowMs, nowMs) - from) / HOUR_MS;
  if (hours > MAX_ASKED_HOURS) {
    throw invalid('--from', `should be at most ${MAX_ASKED_HOURS} hours before --to`);
  }
  return { from: toTimestamp(from), ...(to === undefined ? {} : { to: toTimestamp(to) }) };
}

/** @throws OdometerError `query_invalid` when one of the targets has no hours that could be read again. */
export async function refuseWithoutHours(
  db: Queryable,
  targets: readonly DeclaredTarget[],
): Promise<void> {
  for (const { kind, name } of targets) {
    const found = kind === 'reading' ? await findMeasuredTarget(db, kind, name) : undefined;
    const reading = readingDeclarationSchema.safeParse(found?.declaration);
    // One that cannot be read is left to the worker, who says so.
    if (kind !== 'reading' || reading.data?.mode === 'gauge') {
      throw invalid('--from', `is for SQL readings of windows, which ${name} is not`);
    }
  }
}

function invalid(parameter: string, problem: string): OdometerError {
  return new OdometerError('query_invalid', { parameter, problem });
}
