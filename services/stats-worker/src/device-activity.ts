import { addDeviceDays, addDeviceUsage, type DeviceUsage } from '@odometer/database/device-usage';
import type { Transaction } from '@odometer/database/pool';
import { touchDevices } from '@odometer/database/registry';
import {
  addUnattributedUsage,
  type UnattributedUsage,
} from '@odometer/database/unattributed-usage';
import { formatQuantity, type Scaled } from '@odometer/domain/decimal';
import { toTimestamp } from '@odometer/domain/period';
import type { PreparedEvent } from './prepared-event.ts';
import type { Resolution, ResolvedDevice, ResolvedProject } from './registry-cache.ts';
import { type UnregisteredOwner, UsageSums } from './usage-sums.ts';

const MINUTE_MS = 60_000;

interface Use {
  readonly owner: ResolvedProject;
  readonly deviceId: string;
  readonly meterId: number;
  readonly dayMs: number;
  quantity: Scaled;
  count: number;
}

interface Sighting {
  readonly projectId: string;
  readonly device: ResolvedDevice;
  readonly days: Set<number>;
  seenMinuteMs: number;
}

/**
 * Which devices used how much on which day, and when they were last seen: gathered while a group is applied, written
 * once at its end. What is stored already (the minute, the day) is not written again.
 */
export class DeviceActivity {
  readonly #resolution: Resolution;
  readonly #uses = new Map<string, Use>();
  readonly #sightings = new Map<string, Sighting>();
  readonly #unknown = new UsageSums<UnregisteredOwner>();

  constructor(resolution: Resolution) {
    this.#resolution = resolution;
  }

  /** Adds an event's use. An event without a device adds nothing. */
  addEvent(
    owner: ResolvedProject,
    prepared: PreparedEvent,
    meterId: number,
    quantity: Scaled,
  ): void {
    const { organization, project, device } = prepared.event;
    if (device === undefined) return;
    const name = { organization, project, device };
    this.add(owner, name, meterId, prepared.timeMs, prepared.hourMs, prepared.dayMs, quantity, 1);
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
    const device = this.#resolution.device(owner.projectId, name.device);
    if (device === undefined) {
      // Beyond the discovery cap: the project's usage is counted, the device's share waits until it is registered.
      const key = `${name.organization}/${name.project}/${name.device}`;
      this.#unknown.add(name, key, meterId, atMs, hourMs, quantity, count);
      return;
    }
    const useKey = `${device.deviceId} ${meterId} ${dayMs}`;
    const use = this.#uses.get(useKey);
    if (use === undefined) {
      this.#uses.set(useKey, { owner, deviceId: device.deviceId, meterId, dayMs, quantity, count });
    } else {
      use.quantity += quantity;
      use.count += count;
    }
    this.#see(owner.projectId, device, atMs, dayMs);
  }

  #see(projectId: string, device: ResolvedDevice, atMs: number, dayMs: number): void {
    const minuteMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
    const sighting = this.#sightings.get(device.deviceId);
    if (sighting === undefined) {
      const days = new Set([dayMs]);
      this.#sightings.set(device.deviceId, { projectId, device, days, seenMinuteMs: minuteMs });
      return;
    }
    sighting.days.add(dayMs);
    if (minuteMs > sighting.seenMinuteMs) sighting.seenMinuteMs = minuteMs;
  }

  /** Writes everything. What is remembered as stored is only valid if the transaction commits: see `remember`. */
  async write(transaction: Transaction): Promise<void> {
    const unknown: readonly UnattributedUsage[] = this.#unknown.rows();
    await addDeviceUsage(transaction, Array.from(this.#uses.values(), toRow));
    const days: { projectId: string; deviceId: string; day: string }[] = [];
    const seenIds: string[] = [];
    const seenAt: string[] = [];
    for (const { projectId, device, days: seenDays, seenMinuteMs } of this.#sightings.values()) {
      for (const day of seenDays) {
        if (day === device.activeDayMs) continue;
        days.push({ projectId, deviceId: device.deviceId, day: toTimestamp(day) });
      }
      if (seenMinuteMs > device.seenMinuteMs) {
        seenIds.push(device.deviceId);
        seenAt.push(toTimestamp(seenMinuteMs));
      }
    }
    await addDeviceDays(transaction, days);
    if (seenIds.length > 0) await touchDevices(transaction, seenIds, seenAt);
    await addUnattributedUsage(transaction, unknown);
  }

  /** Call after the commit: the same minute and day need not be written again. */
  remember(): void {
    for (const { device, days, seenMinuteMs } of this.#sightings.values()) {
      device.activeDayMs = Math.max(device.activeDayMs, ...days);
      device.seenMinuteMs = Math.max(device.seenMinuteMs, seenMinuteMs);
    }
  }
}

function toRow(use: Use): DeviceUsage {
  return {
    projectId: use.owner.projectId,
    organizationId: use.owner.organizationId,
    deviceId: use.deviceId,
    meterId: use.meterId,
    day: toTimestamp(use.dayMs),
    sum: formatQuantity(use.quantity),
    count: use.count,
  };
}
