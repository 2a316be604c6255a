import express from 'express';
import pg from 'pg';
import { program } from '../program.ts';

export interface BareReadOptions {
  readonly port: number;
  readonly databaseUrl: string;
}

/** The least that an answer from a database can be: express, one row by its primary key, JSON. It checks nothing. */
await program<BareReadOptions, never, never>(async ({ port, databaseUrl }) => {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const app = express();
  app.use(express.json());
  const read = (id: string) =>
    pool.query({ name: 'read', text: 'select * from projects where id = $1', values: [id] });
  app.get('/projects/:id', async (request, response) => {
    const { rows } = await read(request.params.id);
    response.json(rows[0]);
  });
  app.post('/projects', async (request, response) => {
    const { rows } = await read((request.body as { id: string }).id);
    response.json(rows[0]);
  });
  await new Promise<void>((resolve) => {
    app.listen(port, '127.0.0.1', () => resolve());
  });
  return () => Promise.reject(new Error('takes no commands'));
});
