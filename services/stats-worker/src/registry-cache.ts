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
  device(project: ResolvedProject, device: string): ResolvedDevice | undefined;
  publish(): void;
}

/** A name takes a few hundred bytes; beyond this many the cache starts anew rather than grow with the fleet. */
const MAX_ENTRIES = 200_000;

/**
 * Ids by name. An entry is valid as long as its database is, since nothing in the registry is deleted or renamed; see
 * forget-on-connect.ts. A name that is missing is never cached, since it may be registered any moment.
 */
export class RegistryCache {
  #known = new Names();
  readonly #policy: DiscoveryPolicy;

  constructor(policy: DiscoveryPolicy) {
    this.#policy = policy;
  }

  /** Resolves owners, discovering what is unknown as far as the policy and its caps allow. */
  async resolve(transaction: Transaction, owners: Iterable<Owner>): Promise<Resolution> {
    // Kept for the whole transaction: another one may fill the cache meanwhile, and start it anew.
    const known = this.#known;
    const found = new Names();
    const project = (organization: string, name: string) =>
      known.project(organization, name) ?? found.project(organization, name);
    const device = (owner: ResolvedProject, name: string) =>
      known.device(owner, name) ?? found.device(owner, name);

    const unknown = new Map<string, ProjectName>();
    const withDevice: (Owner & { readonly device: string })[] = [];
    for (const owner of owners) {
      const resolved = known.project(owner.organization, owner.project);
      if (resolved === undefined) unknown.set(`${owner.organization}/${owner.project}`, owner);
      if (owner.device === undefined || owner.device === '') continue;
      if (resolved === undefined || known.device(resolved, owner.device) === undefined)
        withDevice.push({ ...owner, device: owner.device });
    }
    if (unknown.size > 0) await this.#resolveProjects(transaction, unknown, found);
    if (withDevice.length > 0) {
      const devices = new Map<string, NamedDevice>();
      for (const { organization, project: name, device: slug } of withDevice) {
        const owner = project(organization, name);
        if (owner !== undefined) devices.set(`${owner.projectId}/${slug}`, { owner, device: slug });
      }
      await this.#resolveDevices(transaction, devices, found);
    }
    return { project, device, publish: () => this.#publish(found) };
  }

  async #resolveProjects(
    transaction: Transaction,
    unknown: Map<string, ProjectName>,
    found: Names,
  ): Promise<void> {
    const find = async () => {
      for (const row of await findProjects(transaction, [...unknown.values()])) {
        const { organizationId, projectId } = row;
        found.addProject(row.organization, row.project, { organizationId, projectId });
        unknown.delete(`${row.organization}/${row.project}`);
      }
    };
    await find();
    if (unknown.size === 0) return;
    if (await discoverProjects(transaction, [...unknown.values()], this.#policy)) await find();
  }

  async #resolveDevices(
    transaction: Transaction,
    unknown: Map<string, NamedDevice>,
    found: Names,
  ): Promise<void> {
    const find = async () => {
      for (const row of await findDevices(transaction, named(unknown))) {
        const key = `${row.projectId}/${row.device}`;
        const owner = unknown.get(key)?.owner;
        if (owner === undefined) continue;
        const { deviceId } = row;
        found.addDevice(owner, row.device, { deviceId, seenMinuteMs: 0, activeDayMs: 0 });
        unknown.delete(key);
      }
    };
    if (unknown.size > 0) await find();
    if (unknown.size === 0) return;
    if (await discoverDevices(transaction, named(unknown), this.#policy)) await find();
  }

  /** Forgets everything; resolutions in use go on with what they have. */
  forget(): void {
    this.#known = new Names();
  }

  #publish(found: Names): void {
    if (this.#known.size + found.size > MAX_ENTRIES) this.#known = new Names();
    this.#known.addAll(found);
  }
}

interface NamedDevice {
  readonly owner: ResolvedProject;
  readonly device: string;
}

function named(
  devices: ReadonlyMap<string, NamedDevice>,
): (ResolvedProject & { readonly device: string })[] {
  return Array.from(devices.values(), ({ owner, device }) => ({ ...owner, device }));
}

/** Maps in maps rather than joined keys: a flush of ten thousand owners would build as many strings again and again. */
class Names {
  readonly #projects = new Map<string, Map<string, ResolvedProject>>();
  /** By the project's id. */
  readonly #devices = new Map<string, Map<string, ResolvedDevice>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  project(organization: string, project: string): ResolvedProject | undefined {
    return this.#projects.get(organization)?.get(project);
  }

  device({ projectId }: ResolvedProject, device: string): ResolvedDevice | undefined {
    return this.#devices.get(projectId)?.get(device);
  }

  addProject(organization: string, project: string, resolved: ResolvedProject): void {
    this.#add(this.#projects, organization, project, resolved);
  }

  addDevice({ projectId }: ResolvedProject, device: string, resolved: ResolvedDevice): void {
    this.#add(this.#devices, projectId, device, resolved);
  }

  addAll(others: Names): void {
    for (const [organization, projects] of others.#projects) {
      for (const [name, project] of projects) this.addProject(organization, name, project);
    }
    for (const [projectId, devices] of others.#devices) {
      for (const [name, device] of devices) this.#add(this.#devices, projectId, name, device);
    }
  }

  #add<Value>(
    names: Map<string, Map<string, Value>>,
    outer: string,
    inner: string,
    value: Value,
  ): void {
    let inners = names.get(outer);
    if (inners === undefined) {
      inners = new Map();
      names.set(outer, inners);
    }
    if (!inners.has(inner)) this.#size += 1;
    inners.set(inner, value);
  }
}
