import type { LimitSubject } from '@odometer/database/limits/read-limits';
import type { ProjectName } from '@odometer/database/registry';
import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import { MAX_RESERVATION_SECONDS } from '@odometer/domain/limits/reservation';
import { isSlug } from '@odometer/domain/slug';
import { type ZoneClock, zoneClock } from '@odometer/domain/windows/time-zone';
import { WINDOW_SIZES, type WindowSize } from '@odometer/domain/windows/windows';
import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError as all of these: commander prints it with the option's name. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0) {
    throw new InvalidArgumentError('It should be a whole number above 0.');
  }
  return value;
}

/** The origin of an HTTP server, perhaps with a path; no slash at its end. */
export function httpAddress(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('It should be an address like http://host:8081.');
  }
  return text.replace(/\/+$/, '');
}

/** An id of a row, kept as text: it may be beyond what a number holds. */
export function rowId(text: string): string {
  if (!/^[1-9]\d{0,17}$/.test(text))
    throw new InvalidArgumentError('It should be a whole number of at most 18 digits.');
  return text;
}

export function slug(text: string): string {
  if (!isSlug(text)) throw new InvalidArgumentError(`${JSON.stringify(text)} is no valid name.`);
  return text;
}

/** `organization/project` */
export function projectName(text: string): ProjectName {
  const [organization = '', project = '', ...more] = text.split('/');
  if (more.length > 0 || !isSlug(organization) || !isSlug(project)) {
    throw new InvalidArgumentError('It should be ORGANIZATION/PROJECT.');
  }
  return { organization, project };
}

/** `organization/project`, or a project's id. */
export function projectReference(text: string): ProjectName | { readonly id: string } {
  return /^\d+$/.test(text) ? { id: rowId(text) } : projectName(text);
}

/** `organization`, or `organization/project`. */
export function limitSubject(text: string): LimitSubject {
  return text.includes('/') ? projectName(text) : { organization: slug(text) };
}

/** An exact quantity, not negative. */
export function limitQuantity(text: string): Scaled {
  const quantity = parseQuantity(text);
  if (typeof quantity === 'string') throw new InvalidArgumentError(`${quantity}.`);
  if (quantity < 0n) throw new InvalidArgumentError('value is negative.');
  return quantity;
}

/** More than nothing: there is no reserving of nothing. */
export function reservedQuantity(text: string): Scaled {
  const quantity = limitQuantity(text);
  if (quantity === 0n) throw new InvalidArgumentError('value is 0.');
  return quantity;
}

export function reservationSeconds(text: string): number {
  const seconds = wholeNumber(text);
  if (seconds > MAX_RESERVATION_SECONDS) {
    throw new InvalidArgumentError(`It should be at most ${MAX_RESERVATION_SECONDS}.`);
  }
  return seconds;
}

export function uuid(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw new InvalidArgumentError('It should be a UUID.');
  }
  return text.toLowerCase();
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.0{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * Milliseconds since the epoch; a date is its midnight in UTC. Whole seconds, as OpenMeter's queries are: parts of them are refused,
 * as they would be left out.
 */
export function instant(text: string): number {
  const atMs = TIME.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) {
    throw new InvalidArgumentError(
      'It should be a date or a time in whole seconds, 2026-10-01 or 2026-10-01T10:00Z.',
    );
  }
  return atMs;
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const midnight = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}

export function windowSize(text: string): WindowSize {
  const size = WINDOW_SIZES.find((each) => each.toLowerCase() === text.toLowerCase());
  if (size === undefined) {
    throw new InvalidArgumentError(`It should be one of ${WINDOW_SIZES.join(', ').toLowerCase()}.`);
  }
  return size;
}

export function timeZone(text: string): ZoneClock {
  const clock = zoneClock(text);
  if (clock === undefined)
    throw new InvalidArgumentError('It should be a time zone, Europe/Prague.');
  return clock;
}
