/** A worker that takes a job and holds it until it is killed; run with spawnTypescript. */
import { JobWorker } from '../src/job-worker.ts';
import { createWorkerRedis } from '../src/redis-connection.ts';

const [url = ''] = process.argv.slice(2);
const worker = new JobWorker({
  queue: 'counts',
  redis: createWorkerRedis({ url }),
  process: ({ jobId }) => {
    process.stdout.write(`${jobId}\n`);
    return new Promise(() => {});
  },
  concurrency: 1,
  log: console,
});
await worker.start();
