import { multiplyToWhole, type Scaled } from '../decimal.ts';

/** What is beyond the limit; 0 when it is unlimited. */
export function overage(used: Scaled, included: Scaled | null): Scaled {
  return included !== null && used > included ? used - included : 0n;
}

/**
 * What overage costs, in whole minor units of the currency: halves are rounded up, once per limit, its project or
 * organization, and month. Closing computes the same in SQL.
 *
 * @param pricePerUnit minor units for one unit.
 */
export function overageCharge(over: Scaled, pricePerUnit: Scaled): bigint {
  return multiplyToWhole(over, pricePerUnit);
}
