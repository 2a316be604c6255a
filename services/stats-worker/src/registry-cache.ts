import type { Transaction } from '@odometer/database/pool';
import { findDevices, findProjects, type ProjectName } from '@odometer/database/registry';
import type { Owner } from '@odometer/domain/subject';
import { type DiscoveryPolicy, discoverDevices, discoverProjects } from './discover.ts';

export interface ResolvedProject {
  readonly organizationId: string;
  readonly projectId: string;
}

export interface ResolvedDevice {
  readonly deviceId: string;
  /** Last-seen minute and active day that are stored already, so that they are not written again and again. */
  seenMinuteMs: number;
  activeDayMs: number;
}

/** Names resolved in one transaction. `publish` only after it has committed: what it created may be rolled back. */
export interface Resolution {
  project(organization: string, project: string): ResolvedProject | undefined;
  device(projectId: string, device: string): ResolvedDevice | undefined;
  publish(): void;
}

/** A name takes a few hundred bytes; beyond this many the cache starts anew rather than grow with the fleet. */
const MAX_ENTRIES = 200_000;

/**
 * Ids by name. An entry is valid for ever, since nothing in the registry is deleted or renamed; a name that is missing
 * is never cached, since it may be registered any moment.
 */
export class RegistryCache {
  readonly #projects = new Map<string, ResolvedProject>();
  readonly #devices = new Map<string, ResolvedDevice>();
  readonly #policy: DiscoveryPolicy;

  constructor(policy: DiscoveryPolicy) {
    this.#policy = policy;
  }

  /** Resolves owners, discovering what is unknown as far as the policy and its caps allow. */
  async resolve(transaction: Transaction, owners: Iterable<Owner>): Promise<Resolution> {
    const unknown = new Map<string, ProjectName>();
    const withDevice = new Map<string, Owner & { readonly device: string }>();
    for (const owner of owners) {
      const key = projectKey(owner.organization, owner.project);
      if (!this.#projects.has(key)) unknown.set(key, owner);
      const { device } = owner;
      if (device !== undefined && device !== '')
        withDevice.set(`${key}/${device}`, { ...owner, device });
    }
    const projects = new Map<string, ResolvedProject>();
    if (unknown.size > 0) {
      const missing = await this.#find(transaction, projects, unknown);
      if (
        missing.size > 0 &&
        (await discoverProjects(transaction, [...missing.values()], this.#policy))
      ) {
        await this.#find(transaction, projects, missing);
      }
    }
    const project = (organization: string, name: string) =>
      projects.get(projectKey(organization, name)) ??
      this.#projects.get(projectKey(organization, name));
    const devices = await this.#resolveDevices(transaction, withDevice.values(), project);
    return {
      project,
      device: (projectId, device) =>
        devices.get(deviceKey(projectId, device)) ??
        this.#devices.get(deviceKey(projectId, device)),
      publish: () => {
        addAll(this.#projects, projects);
        addAll(this.#devices, devices);
      },
    };
  }

  /** Adds the registered ones to `found`. @returns the others. */
  async #find(
    transaction: Transaction,
    found: Map<string, ResolvedProject>,
    names: ReadonlyMap<string, ProjectName>,
  ): Promise<ReadonlyMap<string, ProjectName>> {
    const missing = new Map(names);
    for (const row of await findProjects(transaction, [...names.values()])) {
      const key = projectKey(row.organization, row.project);
      found.set(key, { organizationId: row.organizationId, projectId: row.projectId });
      missing.delete(key);
    }
    return missing;
  }

  async #resolveDevices(
    transaction: Transaction,
    owners: Iterable<Owner & { readonly device: string }>,
    project: (organization: string, name: string) => ResolvedProject | undefined,
  ): Promise<ReadonlyMap<string, ResolvedDevice>> {
    const unknown = new Map<string, ResolvedProject & { readonly device: string }>();
    for (const owner of owners) {
      const resolved = project(owner.organization, owner.project);
      if (resolved === undefined) continue;
      const key = deviceKey(resolved.projectId, owner.device);
      if (!this.#devices.has(key)) unknown.set(key, { ...resolved, device: owner.device });
    }
    const devices = new Map<string, ResolvedDevice>();
    if (unknown.size === 0) return devices;
    const find = async (names: readonly (ResolvedProject & { readonly device: string })[]) => {
      for (const row of await findDevices(transaction, names)) {
        const key = deviceKey(row.projectId, row.device);
        devices.set(key, { deviceId: row.deviceId, seenMinuteMs: 0, activeDayMs: 0 });
        unknown.delete(key);
      }
    };
    await find([...unknown.values()]);
    if (unknown.size > 0) {
      const missing = [...unknown.values()];
      if (await discoverDevices(transaction, missing, this.#policy)) await find(missing);
    }
    return devices;
  }
}

function projectKey(organization: string, project: string): string {
  return `${organization}/${project}`;
}

function deviceKey(projectId: string, device: string): string {
  return `${projectId}/${device}`;
}

function addAll<Value>(cache: Map<string, Value>, entries: ReadonlyMap<string, Value>): void {
  if (cache.size + entries.size > MAX_ENTRIES) cache.clear();
  for (const [key, value] of entries) cache.set(key, value);
}
