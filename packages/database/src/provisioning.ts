import type { Transaction } from './pool.ts';

/** Counts the installation's new organizations in the same table. */
export const INSTALLATION = '0';

/**
 * Asks for room for `wanted` discoveries of an organization in the current hour and takes as much as the cap leaves. Any
 * publisher can invent names: without a cap one of them fills the registry.
 *
 * @returns how many may be created; the row stays locked until the transaction ends, so the cap is exact.
 */
export async function takeProvisioningRoom(
  transaction: Transaction,
  organizationId: string,
  what: 'projects' | 'devices',
  wanted: number,
  cap: number,
): Promise<number> {
  await transaction.query(
    `insert into provisioning (organization_id, hour) values ($1, date_trunc('hour', now(), 'UTC'))
     on conflict do nothing`,
    [organizationId],
  );
  const { rows } = await transaction.query<{ taken: number }>(
    `update provisioning p
     set ${what} = p.${what} + least($2::int, greatest($3::int - p.${what}, 0))
     from (
       select organization_id, hour, ${what} as before from provisioning
       where organization_id = $1 and hour = date_trunc('hour', now(), 'UTC') for update
     ) b
     where p.organization_id = b.organization_id and p.hour = b.hour
     returning p.${what} - b.before as taken`,
    [organizationId, wanted, cap],
  );
  return rows[0]?.taken ?? 0;
}
