import { once } from 'node:events';
import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { ListImagesCommand } from '@aws-sdk/client-ecr';
import {
  HeadBucketCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import {
  ACCESS_DENIED,
  type Answer,
  CUT,
  EXPIRED_TOKEN,
  GARBAGE,
  HANG,
  json,
  jsonError,
  type MisbehavingServer,
  SLOW_DOWN,
  startMisbehavingServer,
  THROTTLING_EXCEPTION,
  xml,
  xmlError,
} from '@odometer/testing/misbehaving-server';
import { spawnTypescript } from '@odometer/testing/spawn-typescript';
import { AwsClients, type AwsTarget } from './aws-clients.ts';
import { awsFailure } from './aws-error.ts';

const EMPTY = xml(
  '<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>',
);
const LIST = new ListObjectsV2Command({ Bucket: 'b' });
/** Far below the test's own, far above what the loopback takes. */
const SHORT = { connectionMs: 300, requestMs: 300, longPollMs: 300 };

let server: MisbehavingServer;
let target: AwsTarget;
const open: AwsClients[] = [];

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
  process.env.AWS_SECRET_ACCESS_KEY = 'secret';
  server = await startMisbehavingServer(() => EMPTY);
  target = { region: 'eu-central-1', endpoint: server.url, forcePathStyle: true };
});

afterEach(async () => {
  for (const clients of open.splice(0)) await clients.stop();
});

afterAll(async () => {
  await server.close();
});

function clientsOf(options: ConstructorParameters<typeof AwsClients>[0] = {}): AwsClients {
  const clients = new AwsClients({ timeouts: SHORT, ...options });
  open.push(clients);
  return clients;
}

/** Has the server answer so from now on. @returns how many requests have come since */
function answering(script: Answer | ((nth: number) => Answer)): () => number {
  const before = server.requests.length;
  server.script = ({ number }) => {
    return typeof script === 'function' ? script(number - before) : script;
  };
  return () => server.requests.length - before;
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return awsFailure('bucket b', error);
  }
  throw new Error('it did not fail');
}

test('one client for each service, region, endpoint and identity', () => {
  const clients = clientsOf();
  const roleArn = 'arn:aws:iam::123456789012:role/reader';
  expect(clients.s3({ ...target })).toBe(clients.s3(target));
  const others: AwsTarget[] = [
    { ...target, region: 'eu-west-1' },
    { ...target, endpoint: undefined },
    { ...target, roleArn },
    { ...target, roleArn, externalId: 'x1' },
    { ...target, account: '123456789012' },
  ];
  const all = [clients.s3(target), ...others.map((other) => clients.s3(other))];
  expect(new Set(all).size).toBe(6);
  expect(clients.sqs(target)).not.toBe(clients.ecr(target));
});

test('a connection that hangs is aborted, at every attempt, by our timeout', async () => {
  const requests = answering(HANG);
  const failure = await failureOf(
    clientsOf()
      .sqs(target)
      .send(new ReceiveMessageCommand({ QueueUrl: `${server.url}/1/q` })),
  );
  expect(failure).toMatchObject({ code: 'target_unavailable' });
  expect(requests()).toBe(3);
});

test('a connection that hangs once costs one timeout and no answer', async () => {
  answering((nth) => (nth === 1 ? HANG : EMPTY));
  const answer = await clientsOf().s3(target).send(LIST);
  expect(answer.$metadata.attempts).toBe(2);
});

test('an answer that comes a byte at a time is aborted by our timeout', async () => {
  answering((nth) => (nth === 1 ? { kind: 'drip', body: 'x'.repeat(100), everyMs: 100 } : EMPTY));
  const answer = await clientsOf().s3(target).send(LIST);
  expect(answer.$metadata.attempts).toBe(2);
});

test('throttling is retried with jitter, and every throttled attempt is counted', async () => {
  const clients = clientsOf();
  answering((nth) => (nth <= 2 ? SLOW_DOWN : EMPTY));
  expect((await clients.s3(target).send(LIST)).$metadata.attempts).toBe(3);
  answering((nth) => (nth === 1 ? THROTTLING_EXCEPTION : json({ imageIds: [] })));
  await clients.ecr(target).send(new ListImagesCommand({ repositoryName: 'r' }));
  expect(clients.throttledRequests).toEqual([
    [{ api: 's3', account: 'own' }, 2],
    [{ api: 'ecr', account: 'own' }, 1],
  ]);
});

test('27. a store that says when to come again is not asked before', async () => {
  answering((nth) => (nth === 1 ? { ...SLOW_DOWN, headers: { 'retry-after': '2' } } : EMPTY));
  const startedAt = performance.now();
  const answer = await clientsOf().s3(target).send(LIST);
  expect(answer.$metadata.attempts).toBe(2);
  // The first wait is half a second at most otherwise; the SDK goes by the header up to five seconds beyond its own.
  expect(performance.now() - startedAt).toBeGreaterThan(1_900);
});

test('throttling is counted for the account that is throttled: as declared, else that of its role', async () => {
  const clients = clientsOf();
  answering((nth) => (nth === 1 ? SLOW_DOWN : EMPTY));
  await clients.s3({ ...target, account: '210987654321' }).send(LIST);
  process.env.AWS_ENDPOINT_URL_STS = server.url;
  try {
    const roleArn = 'arn:aws:iam::123456789012:role/reader';
    answering((nth) => (nth === 1 ? assumed() : nth === 2 ? SLOW_DOWN : EMPTY));
    await clients.s3({ ...target, roleArn }).send(LIST);
  } finally {
    delete process.env.AWS_ENDPOINT_URL_STS;
  }
  expect(clients.throttledRequests).toEqual([
    [{ api: 's3', account: '210987654321' }, 1],
    [{ api: 's3', account: '123456789012' }, 1],
  ]);
});

test('eight attempts are made for a listing, and then it failed', async () => {
  const requests = answering(xmlError(500, 'InternalError', 'We encountered an internal error.'));
  const failure = await failureOf(clientsOf().s3(target).send(LIST));
  expect(failure).toMatchObject({
    code: 'target_unavailable',
    message: 'bucket b does not answer: InternalError: We encountered an internal error.',
  });
  expect(requests()).toBe(8);
});

test('the budget of retries of one identity is spent without touching that of another', async () => {
  const clients = clientsOf();
  const other = { ...target, account: '210987654321' };
  answering(CUT);
  // 500 tokens, 14 for each retry: 35 of them, which five calls of eight attempts spend.
  await Promise.all(Array.from({ length: 6 }, () => failureOf(clients.s3(target).send(LIST))));
  const requests = answering((nth) => (nth === 1 ? xmlError(500, 'InternalError') : EMPTY));
  expect(await failureOf(clients.s3(target).send(LIST))).toMatchObject({
    code: 'target_unavailable',
  });
  expect(requests()).toBe(1);
  answering((nth) => (nth === 1 ? xmlError(500, 'InternalError') : EMPTY));
  expect((await clients.s3(other).send(LIST)).$metadata.attempts).toBe(2);
});

test('expired, missing and refused credentials, and clocks that are wrong, are denials, and not retried', async () => {
  const s3 = clientsOf().s3(target);
  for (const answer of [
    EXPIRED_TOKEN,
    ACCESS_DENIED,
    xmlError(403, 'InvalidAccessKeyId'),
    xmlError(403, 'SignatureDoesNotMatch'),
  ]) {
    const requests = answering(answer);
    expect(await failureOf(s3.send(LIST))).toMatchObject({ code: 'target_denied' });
    expect(requests()).toBe(1);
  }
  answering(xmlError(403, 'RequestTimeTooSkewed'));
  expect(await failureOf(s3.send(LIST))).toMatchObject({ code: 'target_denied' });
  answering({ kind: 'answer', status: 403, body: '' });
  const head = new HeadBucketCommand({ Bucket: 'b' });
  expect(await failureOf(s3.send(head))).toMatchObject({ code: 'target_denied' });
  answering(jsonError(400, 'UnrecognizedClientException'));
  const ecr = clientsOf().ecr(target);
  const images = new ListImagesCommand({ repositoryName: 'r' });
  expect(await failureOf(ecr.send(images))).toMatchObject({ code: 'target_denied' });
});

test('a port that nobody listens on is away', async () => {
  const closed = await startMisbehavingServer(() => CUT);
  await closed.close();
  const away = { ...target, endpoint: closed.url };
  const failure = await failureOf(
    clientsOf()
      .sqs(away)
      .send(new ReceiveMessageCommand({ QueueUrl: `${closed.url}/1/q` })),
  );
  expect(failure).toMatchObject({ code: 'target_unavailable' });
  expect(String(failure)).toContain('ECONNREFUSED');
});

test('an answer that says nothing is never an empty listing', async () => {
  const clients = clientsOf();
  const calls = [
    () => clients.s3(target).send(LIST),
    () => clients.s3(target).send(new ListObjectVersionsCommand({ Bucket: 'b' })),
    () => clients.ecr(target).send(new ListImagesCommand({ repositoryName: 'r' })),
    () =>
      clients.cloudWatch(target).send(
        new GetMetricDataCommand({
          StartTime: new Date(0),
          EndTime: new Date(1),
          MetricDataQueries: [],
        }),
      ),
  ];
  const nothings: Answer[] = [
    { kind: 'answer', status: 200, body: '' },
    { kind: 'answer', status: 204, body: '' },
    { kind: 'answer', status: 200, body: '{}' },
    { kind: 'answer', status: 200, body: '<ListBucketResult><Name>b</Name><Contents>' },
    xml('<Welcome/>'),
    GARBAGE,
  ];
  for (const nothing of nothings) {
    answering(nothing);
    for (const call of calls) {
      expect(await failureOf(call())).toMatchObject({ code: 'target_invalid' });
    }
  }
});

test('checksums are computed and demanded only where S3 requires them', async () => {
  const s3 = clientsOf().s3(target);
  expect(await s3.config.requestChecksumCalculation()).toBe('WHEN_REQUIRED');
  expect(await s3.config.responseChecksumValidation()).toBe('WHEN_REQUIRED');
});

test("the endpoint wins over the host of the queue's URL", async () => {
  const requests = answering(json({}));
  const QueueUrl = 'http://sqs.nowhere.invalid/1/q';
  await clientsOf().sqs(target).send(new ReceiveMessageCommand({ QueueUrl }));
  expect(requests()).toBe(1);
});

test('endpoints come from the environment, as the SDK has them', async () => {
  process.env.AWS_ENDPOINT_URL_SQS = server.url;
  try {
    const requests = answering(json({}));
    const QueueUrl = 'http://sqs.nowhere.invalid/1/q';
    const sqs = clientsOf().sqs({ region: 'eu-central-1' });
    await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(requests()).toBe(1);
  } finally {
    delete process.env.AWS_ENDPOINT_URL_SQS;
  }
});

test('a role is assumed with its external id, and a role that we may not assume is a denial', async () => {
  process.env.AWS_ENDPOINT_URL_STS = server.url;
  try {
    const roleArn = 'arn:aws:iam::123456789012:role/reader';
    const clients = clientsOf();
    answering((nth) => (nth === 1 ? assumed() : EMPTY));
    await clients.s3({ ...target, roleArn, externalId: 'x1' }).send(LIST);
    const [sts, s3] = server.requests.slice(-2);
    expect(sts?.body).toContain('ExternalId=x1');
    expect(s3?.headers.authorization).toContain('Credential=ASIAROLE');
    const denied =
      '<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>';
    answering(xml(denied, 403));
    const failure = await failureOf(clients.s3({ ...target, roleArn }).send(LIST));
    expect(failure).toMatchObject({ code: 'target_denied' });
  } finally {
    delete process.env.AWS_ENDPOINT_URL_STS;
  }
});

test('after a stop there are no clients', async () => {
  const clients = clientsOf();
  clients.s3(target);
  await clients.stop();
  expect(() => clients.s3(target)).toThrow('stopped');
});

test('the SDK does not warn of an old Node amid our log, at every start', async () => {
  const child = spawnTypescript(new URL('../test/first-client.ts', import.meta.url), []);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, 'close');
  expect(output).toBe('made\n');
});

function assumed(): Answer {
  return xml(
    [
      '<AssumeRoleResponse><AssumeRoleResult><Credentials>',
      '<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>',
      '<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>',
      '</Credentials></AssumeRoleResult></AssumeRoleResponse>',
    ].join(''),
  );
}
