import { randomBytes } from 'node:crypto';
import { createPool } from '@odometer/database/pool';
import { createTestDatabase } from '@odometer/testing/test-database';

/** The application's own database, with a role that may only read, as an operator makes one. */
export async function openForeignDatabase() {
  const database = await createTestDatabase({ migrated: false });
  const owner = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 4 },
    () => {},
  );
  const roles: string[] = [];
  /** @returns the address with which a new role of this database connects. */
  const role = async (grants: readonly string[] = [], attributes = ''): Promise<string> => {
    const name = `reader_${randomBytes(6).toString('hex')}`;
    roles.push(name);
    await owner.query(`create role ${name} login password 'secret' ${attributes}`);
    for (const grant of grants) await owner.query(`grant ${grant} to ${name}`);
    const url = new URL(database.url);
    url.username = name;
    url.password = 'secret';
    return url.href;
  };
  return {
    owner,
    url: database.url,
    role,
    reader: () => role(['pg_read_all_data']),
    close: async () => {
      for (const name of roles) await owner.query(`drop owned by ${name}; drop role ${name}`);
      await owner.end();
      await database.drop();
    },
  };
}
