import { stopSharedPostgres } from './shared-postgres.ts';

// biome-ignore lint/style/noDefaultExport: jest calls the default export.
export default async function globalTeardown(): Promise<void> {
  await stopSharedPostgres();
}
