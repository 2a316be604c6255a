import { putMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import { beginMeasurement, finishMeasurement } from '@odometer/database/measuring/measurements';
import { createPool, type Pool } from '@odometer/database/pool';
import { isOdometerError } from '@odometer/domain/errors';
import {
  type RegistryDeclaration,
  registryDeclarationSchema,
} from '@odometer/domain/registries/registry-declaration';
import { createTestDatabase } from '@odometer/testing/test-database';
import type { Figures } from '../src/measure/process-measure.ts';
import { createRegistryMeasurer } from '../src/measure/registry/measure-registry.ts';
import type { RegistryClient } from '../src/measure/registry/registry-client.ts';
import { RegistryCache } from '../src/registry-cache.ts';

export interface Level {
  readonly bytes: number;
  readonly images: number;
  readonly providerBytes: number | null;
}

export interface RegistryFixture {
  readonly pool: Pool;
  declare(spec: object): Promise<void>;
  /** Measures a declared registry as a worker does, and gives its figures. */
  measure(
    registry: string,
    signal?: AbortSignal,
    options?: { readonly acceptDrift?: true },
  ): Promise<Figures>;
  /** By `organization/project`. */
  levels(): Promise<Readonly<Record<string, Level>>>;
  /** Projects whose gauges are to be read, and from now on are not. */
  takeUnread(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A database and a measurer of registries. */
export async function registryFixture(
  connect: (declaration: RegistryDeclaration) => RegistryClient,
): Promise<RegistryFixture> {
  const database = await createTestDatabase();
  const pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 6 },
    () => undefined,
  );
  const owners = new RegistryCache({
    autoProvision: true,
    maxOrganizationsPerHour: 100,
    maxProjectsPerHour: 100,
    maxDevicesPerHour: 100,
  });
  const measurer = createRegistryMeasurer({ pool, owners, connect });
  return {
    pool,
    declare: async (spec) => {
      const declaration = registryDeclarationSchema.parse(spec);
      await putMeasuredTarget(pool, 'registry', declaration.name, declaration);
    },
    measure: async (target, signal = new AbortController().signal, options = {}) => {
      const holder = crypto.randomUUID();
      const request = { kind: 'registry', target, purpose: 'hourly', options } as const;
      const measurement = await beginMeasurement(pool, request, holder);
      if (measurement === undefined) throw new Error(`${target} is being measured already`);
      const hold = { id: measurement.id, holder };
      try {
        const figures = await measurer({ ...measurement, holder }, signal);
        await finishMeasurement(pool, hold, { state: 'complete', figures });
        return figures;
      } catch (error) {
        const state = isOdometerError(error, 'measurement_refused') ? 'refused' : 'failed';
        const end = { state, failure: 'test', detail: String(error) } as const;
        await finishMeasurement(pool, hold, end);
        throw error;
      }
    },
    levels: async () => {
      const { rows } = await pool.query<{
        name: string;
        bytes: string;
        images: string;
        said: string | null;
      }>(
        `select o.slug || '/' || p.slug as name, l.bytes, l.images, l.provider_bytes as said
         from registry_levels l join projects p on p.id = l.project_id
         join organizations o on o.id = l.organization_id order by 1`,
      );
      return Object.fromEntries(
        rows.map(({ name, bytes, images, said }) => [
          name,
          {
            bytes: Number(bytes),
            images: Number(images),
            providerBytes: said === null ? null : Number(said),
          },
        ]),
      );
    },
    takeUnread: async () => {
      const { rows } = await pool.query<{ slug: string }>(
        `with taken as (update storage_accounts set unread = false where unread returning project_id)
         select p.slug from taken join projects p on p.id = taken.project_id order by 1`,
      );
      return rows.map(({ slug }) => slug);
    },
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}
