import { createServer } from 'node:http';
import { Queue } from 'bullmq';
import { program } from '../program.ts';

export interface NaiveOptions {
  readonly port: number;
  readonly redisUrl: string;
  readonly databaseUrl: string;
}

/**
 * The naive shape, its HTTP side: one BullMQ job per event, the events of a request in one round trip, answered when
 * Redis has them. It checks nothing and groups nothing.
 */
await program<NaiveOptions, never, never>(async ({ port, redisUrl }) => {
  const queue = new Queue('naive', {
    connection: { url: redisUrl },
    defaultJobOptions: { removeOnComplete: true },
  });
  await queue.waitUntilReady();
  // Longer than the worker takes for the warm-up, after which the same connections go on.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      const events = Array.isArray(body) ? body : [body];
      queue
        .addBulk(
          events.map((data: { id: string }) => ({ name: 'event', data, opts: { jobId: data.id } })),
        )
        .then(
          () => response.writeHead(204).end(),
          () => response.writeHead(503).end(),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return () => Promise.reject(new Error('takes no commands'));
});
