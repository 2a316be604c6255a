import type { Pool } from '@odometer/database/pool';
import { findOrganization, type OrganizationRow } from '@odometer/database/reading/organizations';
import { OdometerError } from '@odometer/domain/errors';
import { requireOrganization } from './own-organization.ts';
import type { Caller } from './route.ts';

/**
 * Finds an organization that the caller may see.
 *
 * @throws OdometerError `organization_forbidden`, `organization_not_found`
 */
export async function findKnownOrganization(
  pool: Pool,
  caller: Caller,
  organization: string,
): Promise<OrganizationRow> {
  requireOrganization(caller, organization);
  const found = await findOrganization(pool, organization);
  if (found === undefined) throw new OdometerError('organization_not_found', { organization });
  return found;
}
