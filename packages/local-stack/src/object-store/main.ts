import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { DEMO_BUCKET, DEMO_QUEUE } from './names.ts';

/**
 * An emulator of S3 and SQS for the local stack, on loopback and in memory: it checks no credentials, and forgets everything
 * when it ends. It sends no notifications of objects; whoever puts them sends those, too (demo/store-objects.ts). The demo's
 * bucket and queue are there from the start, after every restart.
 */
const port = Number(process.argv[2]);
const app = buildApp({ logger: false });
await app.listen({ port, host: '127.0.0.1' });

const options = { endpoint: `http://127.0.0.1:${port}`, forcePathStyle: true };
const s3 = new S3Client(options);
const sqs = new SQSClient(options);
await s3.send(new CreateBucketCommand({ Bucket: DEMO_BUCKET }));
await sqs.send(new CreateQueueCommand({ QueueName: DEMO_QUEUE }));
s3.destroy();
sqs.destroy();
process.stdout.write(`${JSON.stringify({ event: 'object_store_ready', port })}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void app.close().finally(() => process.exit(0)));
}
