import type { Transaction } from '@odometer/database/pool';
import {
  removeMeasuredImages,
  sumAll,
  sumByOwner,
} from '@odometer/database/registries/measured-images';
import {
  type RegistryLevel,
  replaceRegistryLevels,
} from '@odometer/database/registries/registry-levels';
import type { RegistryCache, Resolution } from '../../registry-cache.ts';
import type { Figures } from '../process-measure.ts';
import { refuseVanished } from './refuse-vanished.ts';

export interface Settled {
  readonly figures: Figures;
  /** To be published when the transaction has committed. */
  readonly resolution: Resolution;
}

/**
 * Adds up what a measurement has found, and makes it the levels of the registry's projects.
 *
 * @param maxVanishingPercent of the images known before.
 * @throws OdometerError `measurement_refused`: more than that would vanish.
 */
export async function settleLevels(
  transaction: Transaction,
  owners: RegistryCache,
  measurement: { readonly id: string; readonly target: string; readonly startedAt: Date },
  maxVanishingPercent: number,
): Promise<Settled> {
  const [sums, all] = [
    await sumByOwner(transaction, measurement.id),
    await sumAll(transaction, measurement.id),
  ];
  await refuseVanished(transaction, measurement.target, all, maxVanishingPercent);
  const owned = sums.filter(({ project }) => project !== '');
  const resolution = await owners.resolve(transaction, owned);
  const levels: RegistryLevel[] = [];
  const unregistered: string[] = [];
  let attributed = 0n;
  for (const { organization, project, ...level } of owned) {
    const ids = resolution.project(organization, project);
    if (ids === undefined) {
      unregistered.push(`${organization}/${project}`);
      continue;
    }
    levels.push({ ...ids, ...level });
    attributed += BigInt(level.bytes);
  }
  await replaceRegistryLevels(transaction, measurement.target, levels, measurement.startedAt);
  await removeMeasuredImages(transaction, measurement.target);
  const nobody = sums.find(({ project }) => project === '');
  const figures = {
    projects: levels.length,
    images: all.images,
    // Of the registry as a whole, each once; what several projects refer to is in each of theirs.
    bytes: all.bytes,
    attributedBytes: String(attributed),
    unmappedBytes: nobody?.bytes ?? '0',
    providerBytes: all.providerBytes,
    unregisteredProjects: unregistered.length,
    unregisteredProjectNames: unregistered.slice(0, 20),
  };
  return { figures, resolution };
}
