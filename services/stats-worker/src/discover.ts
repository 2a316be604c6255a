import type { Transaction } from '@odometer/database/pool';
import { INSTALLATION, takeProvisioningRoom } from '@odometer/database/provisioning';
import {
  createDevices,
  createOrganizations,
  createProjects,
  findOrganizations,
  type ProjectName,
} from '@odometer/database/registry';
import { toTimestamp } from '@odometer/domain/period';

/** Whether unknown names are created on first sight, and how many an hour. */
export interface DiscoveryPolicy {
  readonly autoProvision: boolean;
  readonly maxOrganizationsPerHour: number;
  readonly maxProjectsPerHour: number;
  readonly maxDevicesPerHour: number;
}

/**
 * Creates unknown organizations and projects as far as the caps allow; whose name finds no room stays unknown, and its
 * usage is kept unattributed. @returns whether anything may have been created.
 */
export async function discoverProjects(
  transaction: Transaction,
  missing: readonly ProjectName[],
  policy: DiscoveryPolicy,
): Promise<boolean> {
  if (!policy.autoProvision) return false;
  const slugs = [...new Set(missing.map(({ organization }) => organization))].sort();
  const known = await findOrganizations(transaction, slugs);
  const unknown = slugs.filter((slug) => !known.has(slug));
  if (unknown.length > 0) {
    const room = await takeProvisioningRoom(
      transaction,
      INSTALLATION,
      'projects',
      unknown.length,
      policy.maxOrganizationsPerHour,
    );
    await createOrganizations(transaction, unknown.slice(0, room), true);
  }
  const organizations = unknown.length > 0 ? await findOrganizations(transaction, slugs) : known;
  const byOrganization = groupBy(missing, ({ organization }) => organizations.get(organization));
  const granted: ProjectName[] = [];
  for (const [id, names] of sortedById(byOrganization)) {
    const room = await takeProvisioningRoom(
      transaction,
      id,
      'projects',
      names.length,
      policy.maxProjectsPerHour,
    );
    granted.push(...names.slice(0, room));
  }
  if (granted.length > 0) await createProjects(transaction, granted, true);
  return granted.length > 0;
}

/** Creates unknown devices of known projects as far as the caps allow. @returns whether anything may have been created. */
export async function discoverDevices(
  transaction: Transaction,
  missing: readonly {
    readonly organizationId: string;
    readonly projectId: string;
    readonly device: string;
  }[],
  policy: DiscoveryPolicy,
): Promise<boolean> {
  if (!policy.autoProvision) return false;
  const byOrganization = groupBy(missing, ({ organizationId }) => organizationId);
  const granted: (typeof missing)[number][] = [];
  for (const [id, devices] of sortedById(byOrganization)) {
    const room = await takeProvisioningRoom(
      transaction,
      id,
      'devices',
      devices.length,
      policy.maxDevicesPerHour,
    );
    granted.push(...devices.slice(0, room));
  }
  if (granted.length > 0) await createDevices(transaction, granted, toTimestamp(Date.now()));
  return granted.length > 0;
}

/** In the order of ids: two transactions that ask for the same rooms in another order would deadlock. */
function sortedById<Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...map].sort(([a], [b]) => Number(a) - Number(b));
}

/** Groups what has a key; what has none is left out. */
function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string | undefined,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
