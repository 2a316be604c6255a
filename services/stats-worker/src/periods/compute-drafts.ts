import { writeOrganizationCharges, writeProjectCharges } from '@odometer/database/limits/charges';
import {
  averageGauges,
  draftedOrganizations,
  draftedProjects,
} from '@odometer/database/periods/close-projects';
import { inTransaction, type Pool } from '@odometer/database/pool';

/** Projects a transaction computes. */
const PROJECTS_A_CHUNK = 1_000;

/**
 * Computes what a draft month comes to so far: averages of gauges, tier, exceeded limits and charges. Again with every bell,
 * because late usage is still counted in it; what is closing or final by then is left as it is.
 */
export async function computeDrafts(
  pool: Pool,
  monthMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (let after: string | undefined = '0'; after !== undefined; ) {
    signal.throwIfAborted();
    const projectIds = await draftedProjects(pool, monthMs, after, PROJECTS_A_CHUNK);
    await inTransaction(pool, async (transaction) => {
      await averageGauges(transaction, monthMs, projectIds);
      await writeProjectCharges(transaction, { month: monthMs, projectIds });
    });
    after = projectIds.at(-1);
  }
  const organizationIds = await draftedOrganizations(pool, monthMs);
  await inTransaction(pool, (transaction) =>
    writeOrganizationCharges(transaction, { month: monthMs, organizationIds }),
  );
}
