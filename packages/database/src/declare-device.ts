import type { Transaction } from './pool.ts';

/**
 * Registers a device of a registered project; one that was discovered becomes a declared one.
 *
 * @returns whether anything has changed.
 */
export async function declareDevice(
  transaction: Transaction,
  projectId: string,
  device: string,
): Promise<boolean> {
  const { rowCount } = await transaction.query(
    `insert into devices as v (project_id, slug) values ($1, $2)
     on conflict (project_id, slug) do update set discovered = false where v.discovered`,
    [projectId, device],
  );
  return rowCount === 1;
}
