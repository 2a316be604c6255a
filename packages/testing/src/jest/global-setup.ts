import { startPostgres } from '@odometer/local-stack/postgres';
import { bundlePrograms } from '../bundle-programs.ts';
import { TestServer } from '../test-server.ts';
import { BUNDLE_VARIABLE } from './bundle-variable.ts';
import { keepForTeardown } from './shared-postgres.ts';
import { SHARED_POSTGRES_VARIABLE } from './shared-postgres-variable.ts';

/** Starts the Postgres that all test files of a jest run share, which never waits for its disk, and bundles the programs. */
// biome-ignore lint/style/noDefaultExport: jest calls the default export.
export default async function globalSetup(): Promise<void> {
  const postgres = await TestServer.launch('postgres', (place) =>
    startPostgres({ ...place, durable: false, settings: { max_connections: '400' } }),
  );
  process.env[SHARED_POSTGRES_VARIABLE] = postgres.url;
  keepForTeardown(postgres);
  process.env[BUNDLE_VARIABLE] = await bundlePrograms();
}
