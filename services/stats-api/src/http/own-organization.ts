import { OdometerError } from '@odometer/domain/errors';
import type { Caller } from './route.ts';

/**
 * A key that is bound to an organization learns nothing of others: what is not its own gets this answer whether or not it
 * exists, in the same words, and without a look where the name alone tells.
 */
export function forbidden(): OdometerError {
  return new OdometerError('organization_forbidden', {});
}

/** @throws OdometerError `organization_forbidden` when the key is bound to another one. */
export function requireOrganization(caller: Caller, organization: string): void {
  if (caller.organization !== null && caller.organization !== organization) throw forbidden();
}

/**
 * To which organization a listing is confined: the one asked for, or the key's own; null for all.
 *
 * @throws OdometerError `organization_forbidden`
 */
export function confinedTo(caller: Caller, asked: string | undefined): string | null {
  if (asked === undefined) return caller.organization;
  requireOrganization(caller, asked);
  return asked;
}

/** @throws OdometerError `installation_forbidden`: what belongs to every organization is no single one's to see or change. */
export function requireInstallation({ organization }: Caller): void {
  if (organization !== null) throw new OdometerError('installation_forbidden', {});
}
