import { lockClose } from '@odometer/database/advisory-locks';
import { writeProjectCharges } from '@odometer/database/limits/charges';
import {
  averageGauges,
  type Discrepancy,
  freezeProjects,
  freezeUsage,
  refreshMonth,
  type UnclosedProject,
  unclosedProjects,
} from '@odometer/database/periods/close-projects';
import { holdUpClosing, holdUpDiscrepancies } from '@odometer/database/periods/freeze-month';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { isDataError } from '../postgres-failures.ts';

/** Projects a transaction closes: about a second, and what a kill costs. */
const PROJECTS_A_CHUNK = 1_000;

export interface ClosedProjects {
  readonly closed: number;
  readonly discrepancies: readonly Discrepancy[];
}

/**
 * Closes the month of the next projects of closing organizations. When the database refuses somebody's figures, the chunk is
 * done again organization by organization, so that one's trouble holds nobody else's close.
 *
 * @returns undefined when all are done, or held up.
 */
export async function closeSomeProjects(
  pool: Pool,
  monthMs: number,
): Promise<ClosedProjects | undefined> {
  const chunk = await unclosedProjects(pool, monthMs, PROJECTS_A_CHUNK);
  if (chunk.length === 0) return undefined;
  try {
    return await closeProjects(pool, monthMs, chunk);
  } catch (error) {
    if (!isDataError(error)) throw error;
  }
  let closed = 0;
  const discrepancies: Discrepancy[] = [];
  for (const organizationId of new Set(chunk.map((project) => project.organizationId))) {
    const ofOne = chunk.filter((project) => project.organizationId === organizationId);
    try {
      const some = await closeProjects(pool, monthMs, ofOne);
      closed += some.closed;
      discrepancies.push(...some.discrepancies);
    } catch (error) {
      if (!isDataError(error) || !(error instanceof Error)) throw error;
      await holdUpClosing(pool, monthMs, organizationId, error.message);
    }
  }
  return { closed, discrepancies };
}

/** All of these projects' months, or nothing of them. */
async function closeProjects(
  pool: Pool,
  monthMs: number,
  chunk: readonly UnclosedProject[],
): Promise<ClosedProjects> {
  return inTransaction(pool, async (transaction) => {
    await lockClose(transaction, monthMs);
    const projectIds = await stillUnclosed(transaction, monthMs, chunk);
    await refreshMonth(transaction, monthMs, projectIds);
    await averageGauges(transaction, monthMs, projectIds);
    const discrepancies = await freezeUsage(transaction, monthMs, projectIds);
    await holdUpDiscrepancies(transaction, monthMs, discrepancies);
    const differing = new Set(discrepancies.map(({ projectId }) => projectId));
    const equal = projectIds.filter((id) => !differing.has(id));
    await writeProjectCharges(transaction, { month: monthMs, projectIds: equal });
    await freezeProjects(transaction, monthMs, equal);
    return { closed: equal.length, discrepancies };
  });
}

/** Those that another worker has not closed since they were listed. */
async function stillUnclosed(
  transaction: Transaction,
  monthMs: number,
  chunk: readonly UnclosedProject[],
): Promise<readonly string[]> {
  const ids = chunk.map(({ id }) => id);
  const { rows } = await transaction.query<{ id: string }>(
    `select id from unnest($2::bigint[]) as p (id)
     where not exists (select from project_months x where x.project_id = p.id and x.month = $1 and x.final)`,
    [new Date(monthMs), ids],
  );
  return rows.map(({ id }) => id);
}
