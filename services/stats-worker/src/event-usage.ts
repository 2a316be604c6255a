import type { Transaction } from '@odometer/database/pool';
import { addUnattributedUsage } from '@odometer/database/unattributed-usage';
import type { Scaled } from '@odometer/domain/decimal';
import { DeviceActivity } from './device-activity.ts';
import type { PeriodUsage } from './periods/usage-writer.ts';
import type { Occurrence } from './prepared-event.ts';
import type { Resolution, ResolvedProject } from './registry-cache.ts';
import { type RegisteredOwner, type UnregisteredOwner, UsageSums } from './usage-sums.ts';

/** The usage of a group's events, gathered owner by owner and written once. */
export class EventUsage {
  readonly #attributed = new UsageSums<RegisteredOwner>();
  readonly #unattributed = new UsageSums<UnregisteredOwner>();
  readonly #devices: DeviceActivity;
  #remember = () => {};

  constructor(resolution: Resolution) {
    this.#devices = new DeviceActivity(resolution);
  }

  /** @param owner undefined while nobody of that name is registered: then the usage waits under its name. */
  add(
    occurrence: Occurrence,
    owner: ResolvedProject | undefined,
    meterId: number,
    quantity: Scaled,
  ): void {
    const { timeMs, hourMs } = occurrence;
    if (owner !== undefined) {
      this.#attributed.add(owner, owner.projectId, meterId, timeMs, hourMs, quantity);
      this.#devices.addEvent(owner, occurrence, meterId, quantity);
      return;
    }
    const { organization, project, device = '' } = occurrence.event;
    // The device's share waits beside the project's usage, not instead of it.
    for (const name of new Set(['', device])) {
      const unregistered = { organization, project, device: name };
      const key = `${organization}/${project}/${name}`;
      this.#unattributed.add(unregistered, key, meterId, timeMs, hourMs, quantity);
    }
  }

  async write(transaction: Transaction, periods: PeriodUsage): Promise<void> {
    this.#remember = await periods.add(this.#attributed.rows());
    await this.#devices.write(transaction);
    await addUnattributedUsage(transaction, this.#unattributed.rows());
  }

  /** Call after the commit. */
  remember(): void {
    this.#devices.remember();
    this.#remember();
  }
}
