import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import {
  type Answer,
  CUT,
  EXPIRED_TOKEN,
  GARBAGE,
  HANG,
  json,
  jsonError,
  type MisbehavingServer,
  type Script,
  type ServedRequest,
  startMisbehavingServer,
  THROTTLING_EXCEPTION,
} from '@odometer/testing/misbehaving-server';
import { startTestObjectStore, type TestObjectStore } from '@odometer/testing/test-object-store';
import { AwsClients } from './aws-clients.ts';
import { SqsConsumer, type SqsConsumerOptions, type SqsMessage } from './sqs-consumer.ts';

const QUEUE_URL = 'http://127.0.0.1/1/notifications';

const closers: Array<() => Promise<void>> = [];
let server: MisbehavingServer;
let store: TestObjectStore;

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  server = await startMisbehavingServer(() => json({}));
  store = await startTestObjectStore();
});

afterEach(async () => {
  // Consumers before their clients.
  for (const close of closers.splice(0).reverse()) await close();
});

afterAll(async () => {
  await server.close();
  await store.stop();
});

interface Setting {
  readonly url?: string;
  readonly longPollMs?: number;
  readonly start?: boolean;
}

/** A started consumer of the server, or of a queue, with what it handled and what it logged. */
async function consuming(
  options: Partial<SqsConsumerOptions> = {},
  { url = server.url, longPollMs = 25_000, start = true }: Setting = {},
) {
  const clients = new AwsClients({ timeouts: { connectionMs: 500, longPollMs } });
  closers.push(() => clients.stop());
  const handled: SqsMessage[] = [];
  const deleted: string[] = [];
  const logged: object[] = [];
  const consumer = new SqsConsumer({
    client: clients.sqs({ region: 'us-east-1', endpoint: url }),
    queueUrl: QUEUE_URL,
    receivers: 1,
    onDeleted: ({ body }) => deleted.push(body),
    log: { warn: (fields) => logged.push(fields) },
    stopDeadlineMs: 2_000,
    ...options,
    handle: async (message) => {
      await options.handle?.(message);
      handled.push(message);
    },
  });
  closers.push(() => consumer.stop());
  if (start) await consumer.start();
  const bodies = () => handled.map(({ body }) => body).sort();
  return { consumer, handled, bodies, deleted, logged };
}

interface QueuedMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
}

/** A script of a queue that hands out each list of bodies once, then hangs as a long poll does. */
function queueOf(lists: ReadonlyArray<readonly string[]>, otherwise: Script = () => HANG): Script {
  const waiting = [...lists];
  return (request) => {
    if (request.operation === 'DeleteMessageBatch') return deletedAll(request);
    if (request.operation !== 'ReceiveMessage') return otherwise(request);
    const bodies = waiting.shift();
    return bodies === undefined ? otherwise(request) : json({ Messages: bodies.map(queued) });
  };
}

function queued(body: string): QueuedMessage & { readonly Attributes: object } {
  const Attributes = { ApproximateReceiveCount: '2', SentTimestamp: '1700000000000' };
  const MD5OfBody = createHash('md5').update(body).digest('hex');
  return { MessageId: `id-${body}`, ReceiptHandle: body, Body: body, MD5OfBody, Attributes };
}

function entriesOf(request: ServedRequest): ReadonlyArray<{ Id: string; ReceiptHandle: string }> {
  return JSON.parse(request.body).Entries;
}

function deletedAll(request: ServedRequest): Answer {
  return json({ Successful: entriesOf(request).map(({ Id }) => ({ Id })), Failed: [] });
}

function requestsOf(operation: string): readonly ServedRequest[] {
  return server.requests.filter((request) => request.operation === operation);
}

describe('against an emulated queue', () => {
  async function queue(attributes = { VisibilityTimeout: '2' }): Promise<string> {
    return store.createQueue(`q-${Math.random().toString(36).slice(2)}`, attributes);
  }

  test('every message is handled, then deleted', async () => {
    const queueUrl = await queue();
    const bodies = Array.from({ length: 35 }, (_, index) => `m${index}`);
    await store.send(queueUrl, bodies);
    const { consumer, bodies: handled, deleted } = await consuming({ queueUrl }, store);
    await eventually(() => deleted.length === 35);
    expect(handled()).toEqual([...bodies].sort());
    expect(consumer.counts).toMatchObject({ received: 35, deleted: 35, failed: 0 });
    expect(await store.queueDepth(queueUrl)).toEqual({ ready: 0, inFlight: 0 });
    expect(consumer.lastReceiveAt).toBeGreaterThan(Date.now() - 30_000);
  });

  test('two consumers of one queue share its messages', async () => {
    const queueUrl = await queue({ VisibilityTimeout: '30' });
    const one = await consuming({ queueUrl, receivers: 2, visibilitySeconds: 30 }, store);
    const two = await consuming({ queueUrl, receivers: 2, visibilitySeconds: 30 }, store);
    const bodies = Array.from({ length: 100 }, (_, index) => `m${index}`);
    await store.send(queueUrl, bodies);
    await eventually(() => one.deleted.length + two.deleted.length === 100);
    expect([...one.bodies(), ...two.bodies()].sort()).toEqual([...bodies].sort());
  });

  test('a message that cannot be handled comes again, and keeps none of the others', async () => {
    const queueUrl = await queue();
    await store.send(queueUrl, ['bad', 'a', 'b']);
    let attempts = 0;
    const { consumer, bodies, handled, logged } = await consuming(
      {
        queueUrl,
        visibilitySeconds: 1,
        handle: async ({ body }) => {
          if (body === 'bad' && ++attempts < 3) throw new Error('poison');
        },
      },
      store,
    );
    await eventually(() => consumer.counts.deleted === 2);
    expect(bodies()).toEqual(['a', 'b']);
    await eventually(() => consumer.counts.deleted === 3);
    expect(handled.at(-1)).toMatchObject({ body: 'bad', receiveCount: 3 });
    expect(consumer.counts.failed).toBe(2);
    // Once a while, not once a failure.
    expect(logged).toMatchObject([{ event: 'sqs_message_failed', receiveCount: 1 }]);
  });

  test('what a consumer that died held comes again, to another', async () => {
    const queueUrl = await queue();
    await store.send(queueUrl, ['a']);
    const dead = await consuming(
      {
        queueUrl,
        visibilitySeconds: 1,
        stopDeadlineMs: 0,
        handle: () => new Promise(() => undefined),
      },
      store,
    );
    await eventually(() => dead.consumer.counts.received === 1);
    await dead.consumer.stop();
    const { deleted } = await consuming({ queueUrl }, store);
    await eventually(() => deleted.length === 1);
  });

  test('a message stays hidden from others while it is handled, however long', async () => {
    const queueUrl = await queue();
    await store.send(queueUrl, ['slow']);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = await consuming({ queueUrl, visibilitySeconds: 1, handle: () => held }, store);
    await eventually(() => slow.consumer.counts.received === 1);
    const other = await consuming({ queueUrl, visibilitySeconds: 1 }, store);
    const since = Date.now();
    // Three times as long as it was hidden at first: nothing to wait for but time.
    await eventually(() => Date.now() - since > 3_000);
    expect(other.consumer.counts.received).toBe(0);
    release();
    await eventually(() => slow.deleted.length === 1);
    expect(slow.consumer.counts).toMatchObject({ received: 1, extendFailures: 0 });
  });
});

describe('against a queue that misbehaves', () => {
  test('it polls long, for ten, and says how long they stay hidden', async () => {
    server.script = queueOf([['a']]);
    const before = server.requests.length;
    const { handled } = await consuming({ visibilitySeconds: 45 });
    await eventually(() => handled.length === 1);
    expect(JSON.parse(server.requests[before]?.body ?? '')).toMatchObject({
      QueueUrl: QUEUE_URL,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 20,
      VisibilityTimeout: 45,
    });
    expect(handled).toEqual([
      { messageId: 'id-a', body: 'a', receiveCount: 2, sentAtMs: 1_700_000_000_000 },
    ]);
  });

  test('ten that are handled together are deleted together', async () => {
    server.script = queueOf([[...'0123456789']]);
    const before = requestsOf('DeleteMessageBatch').length;
    const { deleted } = await consuming();
    await eventually(() => deleted.length === 10);
    expect(requestsOf('DeleteMessageBatch').length - before).toBe(1);
  });

  test('what a deletion leaves out is deleted by another, and only the rest is not tried again', async () => {
    let calls = 0;
    server.script = queueOf([['a', 'b', 'c']]);
    const script = server.script;
    server.script = (request) => {
      if (request.operation !== 'DeleteMessageBatch' || ++calls > 1) return script(request);
      const [a, b, c] = entriesOf(request);
      return json({
        Successful: [{ Id: a?.Id }],
        Failed: [
          { Id: b?.Id, Code: 'InternalError', SenderFault: false, Message: 'try again' },
          { Id: c?.Id, Code: 'ReceiptHandleIsInvalid', SenderFault: true },
        ],
      });
    };
    const { consumer, deleted, logged } = await consuming();
    await eventually(() => deleted.length === 2 && consumer.counts.deleteFailures === 1);
    expect(deleted.sort()).toEqual(['a', 'b']);
    expect(logged).toMatchObject([{ event: 'sqs_delete_failed' }]);
    expect(consumer.inFlight).toBe(0);
  });

  test('a deletion that fails for good only means that the message comes again', async () => {
    const script = queueOf([['a']]);
    const before = requestsOf('DeleteMessageBatch').length;
    server.script = (request) => {
      return request.operation === 'DeleteMessageBatch'
        ? jsonError(403, 'AccessDenied')
        : script(request);
    };
    const { consumer, handled } = await consuming();
    await eventually(() => consumer.counts.deleteFailures === 1);
    expect(handled).toHaveLength(1);
    expect(requestsOf('DeleteMessageBatch').length - before).toBe(3);
  });

  test('a poll that hangs is aborted by our timeout, and the next one brings the messages', async () => {
    let polls = 0;
    const script = queueOf([['a']]);
    server.script = (request) => {
      // The three attempts of the first receive.
      return request.operation === 'ReceiveMessage' && ++polls <= 3 ? HANG : script(request);
    };
    const { consumer, deleted } = await consuming({}, { url: server.url, longPollMs: 150 });
    await eventually(() => deleted.length === 1);
    expect(consumer.counts.receiveErrors.unavailable).toBe(1);
  });

  test('a receive that hangs where no timeout reaches is left behind', async () => {
    let polls = 0;
    const script = queueOf([['a']]);
    server.script = (request) => {
      return request.operation === 'ReceiveMessage' && ++polls === 1 ? HANG : script(request);
    };
    const { consumer, deleted, logged } = await consuming({ receiveDeadlineMs: 200 });
    await eventually(() => deleted.length === 1);
    expect(consumer.counts.receiveErrors.unavailable).toBeGreaterThanOrEqual(1);
    expect(String(Reflect.get(logged[0] ?? {}, 'error'))).toContain('no answer within 200 ms');
  });

  const failures: ReadonlyArray<readonly [kind: string, answer: Answer]> = [
    ['throttled', jsonError(400, 'OverLimit')],
    ['denied', jsonError(400, 'ExpiredToken')],
    ['denied', jsonError(403, 'AccessDenied')],
    ['invalid', jsonError(400, 'AWS.SimpleQueueService.NonExistentQueue')],
    ['invalid', GARBAGE],
    ['unavailable', CUT],
    ['invalid', EXPIRED_TOKEN],
  ];
  test.each(failures)('it goes on after a receive that is %s', async (kind, answer) => {
    const script = queueOf([['a']]);
    let failed = false;
    server.script = (request) => {
      if (request.operation !== 'ReceiveMessage') return script(request);
      const attempts = /attempt=(\d)/.exec(String(request.headers['amz-sdk-request']))?.[1];
      // All attempts of one receive.
      if (!failed || attempts !== '1') {
        failed = true;
        return answer;
      }
      return script(request);
    };
    const { consumer, deleted, logged } = await consuming();
    await eventually(() => deleted.length === 1);
    expect(consumer.counts.receiveErrors).toMatchObject({ [kind]: 1 });
    expect(logged).toMatchObject([{ event: 'sqs_receive_failed', kind, queueUrl: QUEUE_URL }]);
  });

  test('throttling that a retry makes good is no error', async () => {
    const script = queueOf([['a']]);
    const before = server.requests.length;
    server.script = (request) => {
      return request.number === before + 1 ? THROTTLING_EXCEPTION : script(request);
    };
    const { consumer, deleted } = await consuming();
    await eventually(() => deleted.length === 1);
    expect(consumer.counts.receiveErrors.throttled).toBe(0);
  });

  test('a queue that says at once that it is empty is not asked without end', async () => {
    server.script = () => json({});
    const before = server.requests.length;
    const { consumer } = await consuming();
    await eventually(() => consumer.lastReceiveAt !== undefined);
    const since = Date.now();
    await eventually(() => Date.now() - since > 1_500);
    expect(server.requests.length - before).toBeLessThanOrEqual(4);
  });

  test('a message whose handling hangs does not keep the others', async () => {
    server.script = queueOf([['stuck', 'a'], ['b'], ['c']]);
    const { deleted } = await consuming({
      stopDeadlineMs: 0,
      handle: ({ body }) => (body === 'stuck' ? new Promise(() => undefined) : Promise.resolve()),
    });
    await eventually(() => deleted.length === 3);
  });

  test('no more is asked for than may be under way', async () => {
    server.script = queueOf([[...'0123456789'], [...'abcdefghij'], [...'klmnopqrst']]);
    const waiting: Array<() => void> = [];
    const { consumer, deleted } = await consuming({
      maxInFlight: 20,
      receivers: 3,
      handle: () => new Promise<void>((resolve) => waiting.push(resolve)),
    });
    await eventually(() => waiting.length === 20);
    expect(consumer.inFlight).toBe(20);
    for (const resolve of waiting.splice(0)) resolve();
    await eventually(() => waiting.length === 10);
    for (const resolve of waiting.splice(0)) resolve();
    await eventually(() => deleted.length === 30);
  });
});

describe('stopping', () => {
  test('it aborts a long poll', async () => {
    server.script = () => HANG;
    const before = requestsOf('ReceiveMessage').length;
    const { consumer, logged } = await consuming({ receivers: 3 });
    await eventually(() => requestsOf('ReceiveMessage').length >= before + 3);
    const since = Date.now();
    await consumer.stop();
    expect(Date.now() - since).toBeLessThan(1_000);
    expect(logged).toEqual([]);
  });

  test('it waits for what is being handled, and deletes it', async () => {
    server.script = queueOf([['a']]);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { consumer, deleted } = await consuming({ handle: () => held });
    await eventually(() => consumer.counts.received === 1);
    const stopped = consumer.stop();
    release();
    await stopped;
    expect(deleted).toEqual(['a']);
  });

  test('it does not wait longer than its deadline, and does not delete what was not handled', async () => {
    server.script = queueOf([['a']]);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const before = requestsOf('DeleteMessageBatch').length;
    const { consumer } = await consuming({ stopDeadlineMs: 50, handle: () => held });
    await eventually(() => consumer.counts.received === 1);
    await consumer.stop();
    release();
    await eventually(() => consumer.inFlight === 0);
    expect(requestsOf('DeleteMessageBatch').length).toBe(before);
    expect(consumer.counts).toMatchObject({ deleted: 0, deleteFailures: 1 });
  });

  test('before a start it is for good', async () => {
    const before = server.requests.length;
    const { consumer } = await consuming({ receivers: 2 }, { start: false });
    await consumer.stop();
    await consumer.start();
    expect(consumer.lastReceiveAt).toBeUndefined();
    expect(server.requests.length).toBe(before);
  });

  test('it cuts short the wait after an error', async () => {
    server.script = () => jsonError(400, 'OverLimit');
    const { consumer } = await consuming();
    await eventually(() => consumer.counts.receiveErrors.throttled === 1);
    const since = Date.now();
    await consumer.stop();
    expect(Date.now() - since).toBeLessThan(500);
  });
});
