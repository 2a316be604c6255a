import { toTimestamp } from '@odometer/domain/period';
import { recordAudit } from '../audit-log.ts';
import type { Transaction } from '../pool.ts';

/**
 * Lets drafts of a month be closed at their next turn, whatever is still in the queues, dead, or within grace, and records
 * who wanted it, why, and what was known to hold it up. What is applied after such a close becomes an adjustment.
 *
 * @param force.organizationIds those of which drafts are forced; what is closing or final stays as it is.
 * @returns slugs of those that were forced.
 */
export async function forceClose(
  transaction: Transaction,
  force: {
    readonly monthMs: number;
    readonly organizationIds: readonly string[];
    readonly actor: string;
    readonly reason: string;
  },
): Promise<readonly string[]> {
  const { monthMs, organizationIds, actor, reason } = force;
  const { rows } = await transaction.query<{ organization: string; heldUpBy: string[] }>(
    `update periods f set forced_by = $3, forced_reason = $4
     from organizations o
     where o.id = f.organization_id and f.month = $1 and f.organization_id = any($2::bigint[]) and f.state = 'draft'
     returning o.slug as organization, f.held_up_by as "heldUpBy"`,
    [toTimestamp(monthMs), organizationIds, actor, reason],
  );
  const month = toTimestamp(monthMs).slice(0, 7);
  for (const { organization, heldUpBy } of rows) {
    await recordAudit(transaction, {
      actor,
      action: 'period.force_close',
      subject: `${organization}/${month}`,
      detail: { reason, heldUpBy },
    });
  }
  return rows.map(({ organization }) => organization);
}
