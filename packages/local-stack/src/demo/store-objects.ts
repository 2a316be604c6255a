import { setTimeout as pause } from 'node:timers/promises';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { s3Notification } from '@odometer/s3-simulator/notification';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';
import { DEMO_BUCKET, DEMO_QUEUE } from '../object-store/names.ts';
import { anyOf, type Device } from './fleet.ts';

/** An object is put, replaced or deleted every second. */
const INTERVAL_MS = 1_000;
/** The emulator keeps all in memory: 20 keys of each device at most, of 1 to 32 kB. */
const KEYS_PER_DEVICE = 20;
const MAX_SIZE_BYTES = 32_768;
/** Of all changes. */
const DELETED_SHARE = 0.2;
/** Of all notifications: come twice, come late and so after younger ones, or never come, as it happens with real stores. */
const DOUBLED_SHARE = 0.05;
const DELAYED_SHARE = 0.1;
const LOST_SHARE = 0.01;
const DELAY_MS = 5_000;

const KINDS = [
  (id: number) => `scenes/scene-${id}/mesh.bin`,
  (id: number) => `uploads/upload-${id}`,
  (id: number) => `logs/${id}.log`,
];

type Outcome = 'stored' | 'failed';

/**
 * Stores objects as the fleet's applications would, and tells the queue of them as S3 would: the emulator does not. Not every
 * notification arrives, so that the hourly measuring has something to put right.
 *
 * @param endpoint of the emulator, for S3 and SQS.
 * @returns a function that stops it.
 */
export function storeObjects(
  endpoint: string,
  devices: readonly Device[],
  onOutcome: (outcome: Outcome) => void,
): () => Promise<void> {
  const s3 = new S3Client({ endpoint, forcePathStyle: true });
  const sqs = new SQSClient({ endpoint, useQueueUrlAsEndpoint: false });
  const bucket = new SimulatedBucket({ name: DEMO_BUCKET, now: Date.now });
  const stopping = new AbortController();
  let queueUrl: string | undefined;

  const notify = async (events: readonly StoreEvent[]): Promise<void> => {
    if (events.length === 0 || Math.random() < LOST_SHARE) return;
    queueUrl ??= (await sqs.send(new GetQueueUrlCommand({ QueueName: DEMO_QUEUE }))).QueueUrl;
    const message = new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: s3Notification(events),
      DelaySeconds: Math.random() < DELAYED_SHARE ? DELAY_MS / 1_000 : 0,
    });
    await sqs.send(message);
    if (Math.random() < DOUBLED_SHARE) await sqs.send(message);
  };

  const change = async (): Promise<void> => {
    const { organization, project } = anyOf(devices);
    const id = Math.floor(Math.random() * KEYS_PER_DEVICE);
    const key = `${organization}/${project}/${anyOf(KINDS)(id)}`;
    if (bucket.current(key) !== undefined && Math.random() < DELETED_SHARE) {
      await s3.send(new DeleteObjectCommand({ Bucket: DEMO_BUCKET, Key: key }));
      await notify(bucket.delete(key));
      return;
    }
    const sizeBytes = 1 + Math.floor(Math.random() * MAX_SIZE_BYTES);
    const Body = Buffer.alloc(sizeBytes);
    await s3.send(new PutObjectCommand({ Bucket: DEMO_BUCKET, Key: key, Body }));
    await notify(bucket.put(key, sizeBytes));
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await change();
        onOutcome('stored');
      } catch {
        // The emulator is away, or has forgotten its queue; the next change tries again.
        queueUrl = undefined;
        onOutcome('failed');
      }
      await pause(INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return async () => {
    stopping.abort();
    await running;
    s3.destroy();
    sqs.destroy();
  };
}
