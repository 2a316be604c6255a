import type { Transaction } from './pool.ts';

/**
 * Archives a project: no snapshot of a later day or month is taken of it. What it used, and what still comes, counts.
 *
 * @returns whether it was not archived before.
 */
export async function archiveProject(
  transaction: Transaction,
  projectId: string,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await transaction.query(
    'update projects set archived_at = to_timestamp($2::numeric / 1000) where id = $1 and archived_at is null',
    [projectId, nowMs],
  );
  return rowCount === 1;
}
