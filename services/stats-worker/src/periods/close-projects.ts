import { writeProjectCharges } from '@odometer/database/limits/charges';
import {
  averageGauges,
  type Discrepancy,
  freezeProjects,
  freezeUsage,
  lockUnclosed,
  refreshMonth,
  type UnclosedProject,
  unclosedProjects,
} from '@odometer/database/periods/close-projects';
import { holdUpClosing, holdUpDiscrepancies } from '@odometer/database/periods/freeze-month';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { isDataError } from '../postgres-failures.ts';

/** Projects a transaction closes: about a second, and what a kill costs. */
const PROJECTS_A_CHUNK = 1_000;
/** Postgres reads and hashes on one core for each. */
const CHUNKS_AT_ONCE = 2;

export interface ClosedProjects {
  readonly closed: number;
  readonly discrepancies: readonly Discrepancy[];
}

/**
 * Closes the month of the next projects of closing organizations.
 *
 * @returns undefined when all are done, or held up.
 */
export async function closeSomeProjects(
  pool: Pool,
  monthMs: number,
): Promise<ClosedProjects | undefined> {
  const projects = await unclosedProjects(pool, monthMs, PROJECTS_A_CHUNK * CHUNKS_AT_ONCE);
  if (projects.length === 0) return undefined;
  const size = Math.ceil(projects.length / CHUNKS_AT_ONCE);
  const chunks = Array.from({ length: CHUNKS_AT_ONCE }, (_, i) =>
    closeChunk(pool, monthMs, projects.slice(i * size, (i + 1) * size)),
  );
  // All of them, before a failure of one is told: what still runs would run into the next try.
  const settled = await Promise.allSettled(chunks);
  const done = settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  return {
    closed: done.reduce((sum, { closed }) => sum + closed, 0),
    discrepancies: done.flatMap(({ discrepancies }) => discrepancies),
  };
}

/**
 * When the database refuses somebody's figures, the chunk is done again organization by organization, so that one's trouble
 * holds nobody else's close.
 */
async function closeChunk(
  pool: Pool,
  monthMs: number,
  chunk: readonly UnclosedProject[],
): Promise<ClosedProjects> {
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
  const ids = chunk.map(({ id }) => id);
  await refreshMonth(pool, monthMs, ids);
  return inTransaction(pool, async (transaction) => {
    const projectIds = await lockUnclosed(transaction, monthMs, ids);
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
