import { addDeviceDays, addDeviceUsage, type DeviceUsage } from '@odometer/database/device-usage';
import type { Transaction } from '@odometer/database/pool';
import { touchDevices } from '@odometer/database/registry';
import {
  addUnattributedUsage,
  type UnattributedUsage,
} from '@odometer/database/unattributed-usage';
import { formatQuantity, type Scaled } from '@odometer/domain/decimal';
import { toTimestamp } from '@odometer/domain/period';
import type { Occurrence } from './prepared-event.ts';
import type { Resolution, ResolvedDevice, ResolvedProject } from './registry-cache.ts';
import { type UnregisteredOwner, UsageSums } from './usage-sums.ts';

const MINUTE_MS = 60_000;

interface Use {
  readonly meterId: number;
  readonly dayMs: number;
  quantity: Scaled;
  count: number;
}

/** What one device did. Its uses are few: a meter or two on one day. */
interface Sighting {
  readonly owner: ResolvedProject;
  readonly device: ResolvedDevice;
  readonly uses: Use[];
  seenMinuteMs: number;
}

/**
 * Which devices used how much on which day, and when they were last seen: gathered while a group is applied, written
 * once at its end. What is stored already (the minute, the day) is not written again.
 */
export class DeviceActivity {
  readonly #resolution: Resolution;
  /** By the device's id. */
  readonly #sightings = new Map<string, Sighting>();
  readonly #unknown = new UsageSums<UnregisteredOwner>();

  constructor(resolution: Resolution) {
    this.#resolution = resolution;
  }

  /** Adds an event's use. An event without a device adds nothing. */
  addEvent(
    owner: ResolvedProject,
    occurrence: Occurrence,
    meterId: number,
    quantity: Scaled,
  ): void {
    const { organization, project, device } = occurrence.event;
    if (device === undefined) return;
    const name = { organization, project, device };
    this.add(
      owner,
      name,
      meterId,
      occurrence.timeMs,
      occurrence.hourMs,
      occurrence.dayMs,
      quantity,
      1,
    );
  }

  /** Adds a device's use of a meter at an instant. `count` is how many items the quantity stands for. */
  add(
    owner: ResolvedProject,
    name: UnregisteredOwner,
    meterId: number,
    atMs: number,
    hourMs: number,
    dayMs: number,
    quantity: Scaled,
    count: number,
  ): void {
    const device = this.#resolution.device(owner, name.device);
    if (device === undefined) {
      // Beyond the discovery cap: the project's usage is counted, the device's share waits until it is registered.
      const key = `${name.organization}/${name.project}/${name.device}`;
      this.#unknown.add(name, key, meterId, atMs, hourMs, quantity, count);
      return;
    }
    const sighting = this.#see(owner, device, Math.floor(atMs / MINUTE_MS) * MINUTE_MS);
    const use = sighting.uses.find((each) => each.meterId === meterId && each.dayMs === dayMs);
    if (use === undefined) sighting.uses.push({ meterId, dayMs, quantity, count });
    else {
      use.quantity += quantity;
      use.count += count;
    }
  }

  #see(owner: ResolvedProject, device: ResolvedDevice, seenMinuteMs: number): Sighting {
    const found = this.#sightings.get(device.deviceId);
    if (found !== undefined) {
      if (seenMinuteMs > found.seenMinuteMs) found.seenMinuteMs = seenMinuteMs;
      return found;
    }
    const sighting = { owner, device, uses: [], seenMinuteMs };
    this.#sightings.set(device.deviceId, sighting);
    return sighting;
  }

  /** Writes everything. What is remembered as stored is only valid if the transaction commits: see `remember`. */
  async write(transaction: Transaction): Promise<void> {
    const unknown: readonly UnattributedUsage[] = this.#unknown.rows();
    const usage: DeviceUsage[] = [];
    const days: { projectId: string; deviceId: string; day: string }[] = [];
    const seenIds: string[] = [];
    const seenAt: string[] = [];
    const dayTexts = new Map<number, string>();
    for (const { owner, device, uses, seenMinuteMs } of this.#sightings.values()) {
      const { deviceId } = device;
      for (const { meterId, dayMs, quantity, count } of uses) {
        const day = dayTexts.get(dayMs) ?? toTimestamp(dayMs);
        dayTexts.set(dayMs, day);
        usage.push({ ...owner, deviceId, meterId, day, sum: formatQuantity(quantity), count });
      }
      for (const dayMs of activeDays(uses)) {
        if (dayMs === device.activeDayMs) continue;
        days.push({ projectId: owner.projectId, deviceId, day: toTimestamp(dayMs) });
      }
      if (seenMinuteMs > device.seenMinuteMs) {
        seenIds.push(deviceId);
        seenAt.push(toTimestamp(seenMinuteMs));
      }
    }
    await addDeviceUsage(transaction, usage);
    await addDeviceDays(transaction, days);
    if (seenIds.length > 0) await touchDevices(transaction, seenIds, seenAt);
    await addUnattributedUsage(transaction, unknown);
  }

  /** Call after the commit: the same minute and day need not be written again. */
  remember(): void {
    for (const { device, uses, seenMinuteMs } of this.#sightings.values()) {
      device.activeDayMs = Math.max(device.activeDayMs, ...activeDays(uses));
      device.seenMinuteMs = Math.max(device.seenMinuteMs, seenMinuteMs);
    }
  }
}

function activeDays(uses: readonly Use[]): ReadonlySet<number> {
  return new Set(uses.map(({ dayMs }) => dayMs));
}
