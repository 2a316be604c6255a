import type { Queryable } from '../pool.ts';

export interface DeviceRow {
  readonly id: string;
  readonly organization: string;
  readonly project: string;
  readonly projectId: string;
  readonly device: string;
  readonly discovered: boolean;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date | null;
}

const SELECT = `select v.id, o.slug as organization, p.slug as project, p.id as "projectId", v.slug as device,
    v.discovered, v.first_seen_at as "firstSeenAt", v.last_seen_at as "lastSeenAt"
  from devices v
  join projects p on p.id = v.project_id
  join organizations o on o.id = p.organization_id`;

export async function findDevice(
  db: Queryable,
  projectId: string,
  device: string,
): Promise<DeviceRow | undefined> {
  const { rows } = await db.query<DeviceRow>(`${SELECT} where v.project_id = $1 and v.slug = $2`, [
    projectId,
    device,
  ]);
  return rows[0];
}

/** Devices by id, so that one that is first seen meanwhile comes at the end and none is shown twice. */
export async function listDevices(
  db: Queryable,
  page: {
    /** The only organization that may be seen; null: all. */
    readonly organization: string | null;
    readonly projectId: string | undefined;
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly DeviceRow[]> {
  const { rows } = await db.query<DeviceRow>(
    `${SELECT}
     where ($1::text is null or o.slug = $1) and ($2::bigint is null or v.project_id = $2)
       and v.id > coalesce($3::bigint, 0)
     order by v.id limit $4`,
    [page.organization, page.projectId ?? null, page.after ?? null, page.limit],
  );
  return rows;
}
