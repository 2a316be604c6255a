import type { Queryable } from './pool.ts';

/**
 * Which of several installations this is, by its database: for names in what several share, such as a broker. Databases that
 * are restored from one backup have the same.
 */
export async function installationId(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ id: string }>('select id from installation');
  const [row] = rows;
  if (row === undefined) throw new Error('the table installation is empty');
  return row.id;
}
