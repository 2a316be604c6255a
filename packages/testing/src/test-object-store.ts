import { buildApp } from 'fauxqs';

/** An emulated S3 and SQS of one test file, in memory. */
export interface TestObjectStore {
  /** Of both services. */
  readonly url: string;
  readonly region: string;
  /** For a process, or for this one, that should take it for AWS. */
  readonly environment: Readonly<Record<string, string>>;
  createBucket(name: string): Promise<void>;
  /**
   * @param attributes as SQS has them, e.g. `{ VisibilityTimeout: '1' }`
   * @returns its URL, for clients whose endpoint is `url`
   */
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  /** Puts messages into a queue. */
  send(queueUrl: string, bodies: readonly string[]): Promise<void>;
  /** Messages of a queue: to be handed out, and handed out but not deleted. */
  queueDepth(queueUrl: string): Promise<{ readonly ready: number; readonly inFlight: number }>;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';

/**
 * Starts the emulator in this process, on a random loopback port. It has no versioning, sends no notifications and lists
 * neither versions nor uploads: those are the simulator's.
 */
export async function startTestObjectStore(): Promise<TestObjectStore> {
  const app = buildApp({ logger: false, defaultRegion: REGION });
  // Not by its own start function, which listens on all addresses of the machine.
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    region: REGION,
    environment: {
      AWS_ENDPOINT_URL_S3: url,
      AWS_ENDPOINT_URL_SQS: url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    async createBucket(name) {
      await answered(await fetch(`${url}/${name}`, { method: 'PUT' }));
    },
    async createQueue(name, attributes = {}) {
      const body = { QueueName: name, Attributes: attributes };
      return String(Reflect.get(await sqs(url, 'CreateQueue', body), 'QueueUrl'));
    },
    async send(queueUrl, bodies) {
      for (const MessageBody of bodies) {
        await sqs(url, 'SendMessage', { QueueUrl: queueUrl, MessageBody });
      }
    },
    async queueDepth(queueUrl) {
      const body = { QueueUrl: queueUrl, AttributeNames: ['All'] };
      const attributes: object = Reflect.get(
        await sqs(url, 'GetQueueAttributes', body),
        'Attributes',
      );
      const number = (name: string) => Number(Reflect.get(attributes, name));
      return {
        ready: number('ApproximateNumberOfMessages'),
        inFlight: number('ApproximateNumberOfMessagesNotVisible'),
      };
    },
    async stop() {
      await app.close();
    },
  };
}

async function sqs(url: string, operation: string, body: object): Promise<object> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
    },
    body: JSON.stringify(body),
  });
  return JSON.parse((await answered(response)) || '{}');
}

async function answered(response: Response): Promise<string> {
  const text = await response.text();
  if (!response.ok) throw new Error(`the object store answers ${response.status}: ${text}`);
  return text;
}
