import { plainArray, textArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';

/** Names a row of the ledger. */
export interface ObjectName {
  readonly bucketId: number;
  readonly key: string;
  readonly version: string;
}

export interface CurrentObject {
  readonly live: boolean;
  readonly sizeBytes: number;
  readonly sequencer: string;
}

/** The rows as they are, in the order of the names; undefined where there is none. */
export async function currentObjects(
  transaction: Transaction,
  names: readonly ObjectName[],
): Promise<readonly (CurrentObject | undefined)[]> {
  const { rows } = await transaction.query<{
    index: string;
    live: boolean;
    size_bytes: string;
    sequencer: string;
  }>(
    `select n.ordinal - 1 as index, o.live, o.size_bytes, o.sequencer
     from unnest($1::int[], $2::text[], $3::text[]) with ordinality as n (bucket_id, key, version, ordinal)
     join stored_objects o
       on o.bucket_id = n.bucket_id and o.key = n.key collate "C" and o.version = n.version collate "C"`,
    [
      plainArray(names.map(({ bucketId }) => bucketId)),
      textArray(names.map(({ key }) => key)),
      textArray(names.map(({ version }) => version)),
    ],
  );
  const found = new Map(
    rows.map(({ index, live, size_bytes, sequencer }) => [
      Number(index),
      { live, sizeBytes: Number(size_bytes), sequencer },
    ]),
  );
  return names.map((_, index) => found.get(index));
}
