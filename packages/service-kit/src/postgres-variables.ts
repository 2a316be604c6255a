import { optional, url, variable } from './config.ts';

/** How a process finds Postgres. */
export const postgresVariables = {
  databaseUrl: variable(
    'DATABASE_URL',
    optional(url({ schemes: ['postgres', 'postgresql'] })),
    'Where Postgres is. When absent, the conventional PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and PGSSLMODE are read instead.',
  ),
} as const;
