import type { EventToCountBack } from '@odometer/database/meters/count-back';
import type { Transaction } from '@odometer/database/pool';
import { findDevices } from '@odometer/database/registry';
import type { Resolution, ResolvedDevice } from '../registry-cache.ts';

/**
 * The devices of stored events. Nothing is discovered: that was done, as far as the caps allowed, when the events came.
 * A device that is not registered has its share wait under its name.
 */
export async function resolveDevices(
  transaction: Transaction,
  events: readonly EventToCountBack[],
): Promise<Resolution> {
  const names = new Map<string, { projectId: string; device: string }>();
  for (const { projectId, device } of events) {
    if (projectId !== null && device !== null)
      names.set(`${projectId}/${device}`, { projectId, device });
  }
  const devices = new Map<string, ResolvedDevice>();
  if (names.size > 0) {
    for (const { projectId, device, deviceId } of await findDevices(transaction, [
      ...names.values(),
    ])) {
      devices.set(`${projectId}/${device}`, { deviceId, seenMinuteMs: 0, activeDayMs: 0 });
    }
  }
  return {
    project: () => undefined,
    device: ({ projectId }, device) => devices.get(`${projectId}/${device}`),
    publish: () => {},
  };
}
