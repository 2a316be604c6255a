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

/** Keeps readings, sorted. @returns those that were not there yet. */
export async function insertReadings(
  transaction: Transaction,
  readings: readonly Reading[],
): Promise<readonly Reading[]> {
  const { rows } = await transaction.query<{ projectId: string; meterId: number; at: Date }>(
    `insert into gauge_readings (project_id, organization_id, meter_id, at, value)
     select * from unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::numeric[])
       as r (project_id, organization_id, meter_id, at, value)
     order by 1, 3, 4
     on conflict do nothing
     returning project_id as "projectId", meter_id as "meterId", at`,
    [
      readings.map((reading) => reading.projectId),
      readings.map((reading) => reading.organizationId),
      readings.map((reading) => reading.meterId),
      readings.map((reading) => reading.at),
      readings.map((reading) => reading.value),
    ],
  );
  const fresh = new Set(rows.map((row) => `${row.projectId} ${row.meterId} ${row.at.getTime()}`));
  return readings.filter(({ projectId, meterId, at }) =>
    fresh.has(`${projectId} ${meterId} ${Date.parse(at)}`),
  );
}
