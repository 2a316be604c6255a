import { plainArray, textArray } from '../array-parameter.ts';

/** What a store has told of one object, and whose it is. */
export interface ObjectRow {
  readonly bucketId: number;
  /** As the ledger has it: a hash in a hashed one. */
  readonly key: string;
  readonly version: string;
  /** Null: nobody's. Both or none. */
  readonly organizationId: string | null;
  readonly projectId: string | null;
  readonly unattributedTo: string | null;
  readonly type: string;
  readonly objectId: string | null;
  /** Of one that is removed: what it was, if that is known; it is taken for a row that is new only. */
  readonly sizeBytes: number;
  readonly storageClass: string | null;
  readonly live: boolean;
  readonly sequencer: string;
  /** By the store's clock. */
  readonly atMs: number;
  /** Set when that clock is wrong: nothing is counted for the owner from before this. */
  readonly ownedSinceMs: number | null;
}

/** What a listing states too, which knows of no order and of live objects only. */
export type StatedObject = Omit<ObjectRow, 'live' | 'sequencer' | 'ownedSinceMs'>;

/** What a notification and a listing state alike, as parameters $1 to $10: of which object, whose, and how large it is. */
export function statedColumns(rows: readonly StatedObject[]): readonly string[] {
  return [
    plainArray(rows.map((row) => row.bucketId)),
    textArray(rows.map((row) => row.key)),
    textArray(rows.map((row) => row.version)),
    plainArray(rows.map((row) => row.organizationId)),
    plainArray(rows.map((row) => row.projectId)),
    textArray(rows.map((row) => row.unattributedTo)),
    textArray(rows.map((row) => row.type)),
    textArray(rows.map((row) => row.objectId)),
    plainArray(rows.map((row) => row.sizeBytes)),
    textArray(rows.map((row) => row.storageClass)),
  ];
}
