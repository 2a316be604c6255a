import type { Transaction } from '../pool.ts';

/** What a gauge was read at. */
export interface Reading {
  readonly projectId: string;
  readonly organizationId: string;
  readonly meterId: number;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Decimal text. */
  readonly value: string;
}

/** `late`: it comes when its month is closed, and has no part in the month's average. */
export interface PlacedReading extends Reading {
  readonly late: boolean;
}

/** Keeps readings, sorted. @returns those that were not there yet. */
export async function insertReadings<Placed extends PlacedReading>(
  transaction: Transaction,
  readings: readonly Placed[],
): Promise<readonly Placed[]> {
  const { rows } = await transaction.query<{ projectId: string; meterId: number; at: Date }>(
    `insert into gauge_readings (project_id, organization_id, meter_id, at, value, late)
     select * from unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::numeric[], $6::boolean[])
       as r (project_id, organization_id, meter_id, at, value, late)
     order by 1, 3, 4
     on conflict do nothing
     returning project_id as "projectId", meter_id as "meterId", at`,
    [
      readings.map((reading) => reading.projectId),
      readings.map((reading) => reading.organizationId),
      readings.map((reading) => reading.meterId),
      readings.map((reading) => reading.at),
      readings.map((reading) => reading.value),
      readings.map((reading) => reading.late),
    ],
  );
  const fresh = new Set(rows.map((row) => `${row.projectId} ${row.meterId} ${row.at.getTime()}`));
  return readings.filter(({ projectId, meterId, at }) =>
    fresh.has(`${projectId} ${meterId} ${Date.parse(at)}`),
  );
}
