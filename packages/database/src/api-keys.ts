import type { Queryable } from './pool.ts';

export type Scope = 'ingest' | 'read' | 'admin';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  /** Slug of the organization the key is bound to; null: all. */
  readonly organization: string | null;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

const COLUMNS =
  'id, name, hash, organization, scopes, created_at as "createdAt", revoked_at as "revokedAt"';

/** All keys, newest last. Services keep those that are not revoked; people want to see both. */
export async function listApiKeys(db: Queryable): Promise<readonly ApiKey[]> {
  const { rows } = await db.query<ApiKey>(`select ${COLUMNS} from api_keys order by id`);
  return rows;
}

/** Stores the hash of a new key. The secret itself never reaches the database. */
export async function createApiKey(
  db: Queryable,
  key: Pick<ApiKey, 'name' | 'hash' | 'organization' | 'scopes'>,
): Promise<ApiKey> {
  const { rows } = await db.query<ApiKey>(
    `insert into api_keys (name, hash, organization, scopes) values ($1, $2, $3, $4) returning ${COLUMNS}`,
    [key.name, key.hash, key.organization, key.scopes],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('insert into api_keys returned no row');
  return row;
}

/** Revokes a key. @returns false when there is no such key, or it was revoked before. */
export async function revokeApiKey(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update api_keys set revoked_at = now() where id = $1 and revoked_at is null',
    [id],
  );
  return rowCount === 1;
}
