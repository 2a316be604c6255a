import type { Queryable } from './pool.ts';

/** A declaration as stored; whoever reads it parses it with the domain's schema. */
export interface StoredWebhook {
  readonly name: string;
  readonly declaration: unknown;
}

export async function listWebhooks(db: Queryable): Promise<readonly StoredWebhook[]> {
  const { rows } = await db.query<StoredWebhook>(
    'select name, declaration from webhooks order by name',
  );
  return rows;
}

/** Creates or replaces a declaration. */
export async function putWebhook(db: Queryable, name: string, declaration: unknown): Promise<void> {
  await db.query(
    `insert into webhooks (name, declaration) values ($1, $2)
     on conflict (name) do update set declaration = excluded.declaration, updated_at = now()
     where webhooks.declaration is distinct from excluded.declaration`,
    [name, JSON.stringify(declaration)],
  );
}
