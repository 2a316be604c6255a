import { plainArray, textArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';
import type { CorrectedObject } from './corrected-object.ts';

export type CorrectionReason = 'missed_creation' | 'missed_change' | 'missed_removal';

/** Why a row was corrected that is listed. */
export function reasonOfListed(wasLive: boolean): CorrectionReason {
  return wasLive ? 'missed_change' : 'missed_creation';
}

/** Keeps what was corrected, each with its reason. */
export async function recordCorrections(
  transaction: Transaction,
  measurementId: string,
  bucketId: number,
  corrections: readonly (CorrectedObject & { readonly reason: CorrectionReason })[],
): Promise<void> {
  if (corrections.length === 0) return;
  await transaction.query(
    `insert into object_corrections (measurement_id, bucket_id, key, version, project_id, reason, bytes, objects)
     select $1, $2, * from unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::numeric[], $8::int[])`,
    [
      measurementId,
      bucketId,
      textArray(corrections.map(({ key }) => key)),
      textArray(corrections.map(({ version }) => version)),
      plainArray(corrections.map(({ projectId }) => projectId)),
      textArray(corrections.map(({ reason }) => reason)),
      plainArray(corrections.map(({ bytes, previousBytes }) => String(bytes - previousBytes))),
      plainArray(
        corrections.map(
          ({ reason }) => ({ missed_creation: 1, missed_change: 0, missed_removal: -1 })[reason],
        ),
      ),
    ],
  );
}
