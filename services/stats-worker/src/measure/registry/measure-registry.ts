import { hash } from 'node:crypto';
import { listMeasuredTargets } from '@odometer/database/measuring/measured-targets';
import {
  type Hold,
  keepProgress,
  type Measurement,
} from '@odometer/database/measuring/measurements';
import { inTransaction, type Pool } from '@odometer/database/pool';
import {
  keepMeasuredImages,
  removeMeasuredImages,
} from '@odometer/database/registries/measured-images';
import { OdometerError } from '@odometer/domain/errors';
import { imageOwnerFinder } from '@odometer/domain/registries/image-owners';
import {
  isSameRegistry,
  type RegistryDeclaration,
  registryDeclarationSchema,
} from '@odometer/domain/registries/registry-declaration';
import type { RegistryCache } from '../../registry-cache.ts';
import { keepHold } from '../keep-hold.ts';
import type { Figures, Measurer } from '../process-measure.ts';
import { inParallel } from './in-parallel.ts';
import { type RepositoryReader, readRepository } from './read-repository.ts';
import type { RegistryClient } from './registry-client.ts';
import {
  type RegistryProgress,
  registryProgressSchema,
  withRepository,
} from './registry-progress.ts';
import { retireRegistry } from './retire-registry.ts';
import { settleLevels } from './settle-levels.ts';

/** Repositories read at once. Each is a listing or two when nothing has changed. */
const AT_ONCE = 4;

export interface RegistryMeasurerParts {
  readonly pool: Pool;
  readonly owners: RegistryCache;
  /** @throws OdometerError `target_denied` when there is nothing to come in with. */
  readonly connect: (declaration: RegistryDeclaration) => RegistryClient;
}

/**
 * Measures a registry: repository by repository, kept as they are read, and all added up at the end, in the transaction that
 * sets the levels. What it reads is not of one moment: an image pushed meanwhile is in it or is not, and is the next hour.
 *
 * @throws OdometerError `target_…` when a repository cannot be read: no levels are better than some; `measurement_refused` when
 *   too much would vanish.
 */
export function createRegistryMeasurer(parts: RegistryMeasurerParts): Measurer {
  const { pool, owners, connect } = parts;
  return async (measurement, signal) => {
    if (measurement.purpose === 'retire') return retireRegistry(pool, measurement);
    const kept = registryProgressSchema.parse(measurement.progress);
    if (kept.figures !== undefined) return kept.figures;
    const declaration = await readDeclaration(pool, measurement.target);
    const mark = hash('sha256', JSON.stringify(declaration));
    const before =
      kept.declaration === mark ? kept : registryProgressSchema.parse({ declaration: mark });
    const reader = {
      db: pool,
      client: connect(declaration),
      findOwner: imageOwnerFinder(declaration.owners),
    };
    const progress = await keepHold(pool, measurement, signal, (either) =>
      readRepositories(pool, reader, measurement, before, either),
    );
    // An operator has seen it, and says that it is so.
    const isDriftAccepted = measurement.options.acceptDrift === true;
    const maxVanishingPercent = isDriftAccepted ? 100 : declaration.maxVanishingPercent;
    return settle(pool, owners, measurement, progress, maxVanishingPercent);
  };
}

async function readRepositories(
  pool: Pool,
  reader: RepositoryReader,
  measurement: Measurement & Hold,
  before: RegistryProgress,
  signal: AbortSignal,
): Promise<RegistryProgress> {
  let progress = before;
  if (progress.after === '') {
    await inTransaction(pool, async (transaction) => {
      await keepProgress(transaction, measurement, before);
      await removeMeasuredImages(transaction, measurement.target);
    });
  }
  const names = [...new Set(await reader.client.repositories(signal))].sort();
  const left = names.filter((name) => name > progress.after);
  for (let from = 0; from < left.length; from += AT_ONCE) {
    const chunk = left.slice(from, from + AT_ONCE);
    const readings = await inParallel(chunk, AT_ONCE, signal, (name, stop) =>
      readRepository(reader, name, stop),
    );
    let next = progress;
    for (const [index, name] of chunk.entries()) next = withRepository(next, name, readings[index]);
    await inTransaction(pool, async (transaction) => {
      await keepProgress(transaction, measurement, next);
      for (const [index, name] of chunk.entries()) {
        const images = readings[index]?.images ?? [];
        await keepMeasuredImages(transaction, measurement.id, name, images);
      }
    });
    progress = next;
  }
  return progress;
}

async function settle(
  pool: Pool,
  owners: RegistryCache,
  measurement: Measurement & Hold,
  progress: RegistryProgress,
  maxVanishingPercent: number,
): Promise<Figures> {
  const { after: _, declaration: __, figures: ___, ...counts } = progress;
  const { figures, resolution } = await inTransaction(pool, async (transaction) => {
    await keepProgress(transaction, measurement, progress);
    const settled = await settleLevels(transaction, owners, measurement, maxVanishingPercent);
    const all = { ...counts, ...settled.figures };
    await keepProgress(transaction, measurement, { ...progress, figures: all });
    return { ...settled, figures: all };
  });
  resolution.publish();
  return figures;
}

/**
 * @throws OdometerError `measurement_refused` when a registry is declared twice: its images would count twice. `apply` sees to
 *   that, but two can be applied at once.
 */
async function readDeclaration(pool: Pool, name: string): Promise<RegistryDeclaration> {
  const declarations = new Map<string, RegistryDeclaration>();
  for (const stored of await listMeasuredTargets(pool, 'registry')) {
    const parsed = registryDeclarationSchema.safeParse(stored.declaration);
    if (parsed.success) declarations.set(stored.name, parsed.data);
  }
  const declaration = declarations.get(name);
  if (declaration === undefined) {
    const reason = 'it is not declared any more, or by another version';
    throw new OdometerError('target_invalid', { target: `registry ${name}`, reason });
  }
  for (const [other, its] of declarations) {
    if (other < name && isSameRegistry(its, declaration)) {
      throw new OdometerError('measurement_refused', { reason: `it is declared as ${other}, too` });
    }
  }
  return declaration;
}
