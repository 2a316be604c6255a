import { type CloseStatus, readCloseStatus } from '@odometer/database/periods/close-status';
import type { Queryable } from '@odometer/database/pool';
import { findPeriod } from '@odometer/database/reading/periods';
import { OdometerError } from '@odometer/domain/errors';
import { monthText } from '../period-arguments.ts';

/**
 * The organizations that a month concerns; never none.
 *
 * @throws OdometerError `organization_not_found`; `month_empty`: nobody was there then.
 */
export async function concernedBy(
  db: Queryable,
  monthMs: number,
  organization: string | undefined,
): Promise<readonly CloseStatus[]> {
  const concerned = await readCloseStatus(db, monthMs, organization);
  if (concerned.length > 0) return concerned;
  const month = monthText(monthMs);
  if (organization !== undefined && (await findPeriod(db, organization, month)) === undefined) {
    throw new OdometerError('organization_not_found', { organization });
  }
  throw new OdometerError('month_empty', { month, whom: organization ?? 'anybody' });
}
