import type { LimitSubject } from '@odometer/database/limits/read-limits';
import type { ProjectName } from '@odometer/database/registry';
import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import { MAX_RESERVATION_SECONDS } from '@odometer/domain/limits/reservation';
import { isSlug } from '@odometer/domain/slug';
import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError as all of these: commander prints it with the option's name. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0) {
    throw new InvalidArgumentError('It should be a whole number above 0.');
  }
  return value;
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
