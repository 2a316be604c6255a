/** A row that a listing has put right, as it was and as it is. */
export interface CorrectedObject {
  readonly key: string;
  readonly version: string;
  readonly projectId: string | null;
  readonly organizationId: string | null;
  readonly unattributedTo: string | null;
  readonly type: string;
  readonly previousLive: boolean;
  /** 0 of what was not live. */
  readonly previousBytes: bigint;
  /** 0 of what is not live now. */
  readonly bytes: bigint;
  /** Since when it is so for its owner, as far as is known, milliseconds. */
  readonly atMs: number;
}

/** As the statements that correct return it. */
export interface CorrectedRow {
  readonly key: string;
  readonly version: string;
  readonly project_id: string | null;
  readonly organization_id: string | null;
  readonly unattributed_to: string | null;
  readonly metered_object_type: string;
  readonly previous_live: boolean | null;
  readonly previous_bytes: string | null;
  readonly size_bytes: string;
  readonly changed_at: Date;
}

export function correctedObject(row: CorrectedRow, bytes: bigint): CorrectedObject {
  return {
    key: row.key,
    version: row.version,
    projectId: row.project_id,
    organizationId: row.organization_id,
    unattributedTo: row.unattributed_to,
    type: row.metered_object_type,
    previousLive: row.previous_live ?? false,
    previousBytes: BigInt(row.previous_bytes ?? 0),
    bytes,
    atMs: row.changed_at.getTime(),
  };
}
