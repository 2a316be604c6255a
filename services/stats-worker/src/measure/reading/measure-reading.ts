import { findMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import { keepProgress } from '@odometer/database/measuring/measurements';
import { advanceReading, readingProgress } from '@odometer/database/measuring/reading-progress';
import { findMeter } from '@odometer/database/meters/stored-meter';
import { OdometerError } from '@odometer/domain/errors';
import { toTimestamp } from '@odometer/domain/period';
import { askedHoursSchema } from '@odometer/domain/readings/asked-hours';
import {
  type ReadingDeclaration,
  readingDeclarationSchema,
  readingOwner,
  type WindowReading,
} from '@odometer/domain/readings/reading-declaration';
import type { Logger } from '@odometer/service-kit/logging';
import { z } from 'zod';
import { type SetParts, setUsage } from '../../periods/set-usage.ts';
import { keepHold } from '../keep-hold.ts';
import type { Figures, Measurer } from '../process-measure.ts';
import { HOUR_MS, hoursBetween, hoursToRead, readableBefore } from './hours-to-read.ts';
import { type ReadingValues, readValues } from './read-values.ts';
import { recordGauge } from './record-gauge.ts';

export interface ReadingParts extends SetParts {
  /** Where the addresses of databases are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Pick<Logger, 'warn'>;
  readonly nowMs: () => number;
}

const progressSchema = z.object({ nextHour: z.iso.datetime().optional() });

/** Measures a declared SQL reading. */
export function createReadingMeasurer(parts: ReadingParts): Measurer {
  return async (measurement, signal) => {
    const { target } = measurement;
    const found = await findMeasuredTarget(parts.pool, 'reading', target);
    if (found === undefined) throw refused(`there is no reading ${target} any more`);
    const { data: reading } = readingDeclarationSchema.safeParse(found.declaration);
    if (reading === undefined) throw refused('it is declared by another version');
    const meter = await findMeter(parts.pool, reading.meter);
    if (meter?.owner !== readingOwner(reading.name)) {
      throw refused(`meter ${reading.meter} belongs to ${meter?.owner ?? 'nobody'}`);
    }
    return keepHold(parts.pool, measurement, signal, (held) =>
      reading.mode === 'gauge'
        ? readGauge(parts, reading, meter.id, held)
        : readWindows(parts, reading, meter.id, measurement, held),
    );
  };
}

async function readGauge(
  parts: ReadingParts,
  reading: ReadingDeclaration,
  meterId: number,
  signal: AbortSignal,
): Promise<Figures> {
  // When it was asked, not when it answered: what is read is at least as old.
  const atMs = parts.nowMs();
  const answer = await readValues(reading, null, parts.env, signal);
  warn(parts, reading, answer);
  const unattributed = await recordGauge(parts, meterId, atMs, answer.values);
  return {
    at: toTimestamp(atMs),
    projects: answer.values.length,
    unknown: answer.values.filter(({ value }) => value === null).length,
    unattributed,
    invalidNames: answer.invalidNames,
    roleMayWrite: answer.roleMayWrite,
  };
}

async function readWindows(
  parts: ReadingParts,
  reading: WindowReading,
  meterId: number,
  measurement: Parameters<Measurer>[0],
  signal: AbortSignal,
): Promise<Figures> {
  const hours = await hoursOf(parts, reading, measurement.options);
  const { nextHour } = progressSchema.parse(measurement.progress);
  const fromMs = nextHour === undefined ? Number.NEGATIVE_INFINITY : Date.parse(nextHour);
  const isAsked = askedHoursSchema.parse(measurement.options).from !== undefined;
  let changed = 0;
  let last: { readonly answer: ReadingValues; readonly unattributed: number } | undefined;
  for (const hourMs of hours) {
    if (hourMs < fromMs) continue;
    signal.throwIfAborted();
    const endMs = hourMs + HOUR_MS;
    const window = { startMs: hourMs, endMs };
    const answer = await readValues(reading, window, parts.env, signal);
    const outcome = await setUsage(
      parts,
      { meterId, owner: readingOwner(reading.name), hourMs, values: answer.values },
      {
        // A fence, too: an answer that got old while this process slept is not written over a newer one.
        before: (transaction) =>
          keepProgress(transaction, measurement, { nextHour: toTimestamp(endMs) }),
        // Hours that somebody asks for may leave out some that were never read.
        after: async (transaction) => {
          if (!isAsked) await advanceReading(transaction, reading.name, new Date(endMs));
        },
      },
    );
    if (last === undefined) warn(parts, reading, answer);
    changed += outcome.changed;
    last = { answer, unattributed: outcome.unattributed };
  }
  const [first = null] = hours;
  return {
    from: first === null ? null : toTimestamp(first),
    hours: hours.length,
    changed,
    // As of the newest hour.
    projects: last?.answer.values.length ?? 0,
    unattributed: last?.unattributed ?? 0,
    ...(last === undefined
      ? {}
      : { invalidNames: last.answer.invalidNames, roleMayWrite: last.answer.roleMayWrite }),
  };
}

async function hoursOf(
  { pool, nowMs }: ReadingParts,
  reading: WindowReading,
  options: Readonly<Record<string, unknown>>,
): Promise<readonly number[]> {
  const { from, to } = askedHoursSchema.parse(options);
  const endMs = readableBefore(reading.delayMinutes, nowMs());
  if (from !== undefined) {
    return hoursBetween(
      Date.parse(from),
      Math.min(endMs, to === undefined ? endMs : Date.parse(to)),
    );
  }
  const progress = await readingProgress(pool, reading.name);
  if (progress === undefined) throw refused(`reading ${reading.name} was never begun`);
  const { readFrom, readThrough } = progress;
  return hoursToRead(
    reading,
    { readFromMs: readFrom.getTime(), readThroughMs: readThrough.getTime() },
    nowMs(),
  );
}

function warn({ log }: ReadingParts, { name }: ReadingDeclaration, answer: ReadingValues): void {
  if (answer.roleMayWrite) log.warn({ event: 'reading_role_may_write', reading: name });
  const { rows } = answer.invalidNames;
  if (rows > 0) log.warn({ event: 'reading_names_invalid', reading: name, rows });
}

function refused(reason: string): OdometerError {
  return new OdometerError('measurement_refused', { reason });
}
