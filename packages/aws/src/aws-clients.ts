import { AthenaClient } from '@aws-sdk/client-athena';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { ECRClient } from '@aws-sdk/client-ecr';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { completeAnswers } from './complete-answers.ts';
import { unlessBodyDrips } from './unless-body-drips.ts';
import { watchedAttempts } from './watched-attempts.ts';

/** Where something lies, and as whom we go there. */
export interface AwsTarget {
  readonly region: string;
  /** Of a self-hosted store or an emulator. @default AWS, or the SDK's AWS_ENDPOINT_URL_S3, …_SQS and the like */
  readonly endpoint?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
  /** To assume, from the identity of the process. @default that identity itself */
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
  /** Of AWS, twelve digits. Keeps the clients of two accounts apart which are reached without a role. */
  readonly account?: string | undefined;
}

/** In milliseconds. The SDK's own defaults are none: a connection that hangs would hang for ever. */
export interface AwsTimeouts {
  readonly connectionMs: number;
  /** Until the head of the answer, and once more until the end of its body. */
  readonly requestMs: number;
  /** The same for SQS: above the 20 s that a long poll may take, with a margin for the way. */
  readonly longPollMs: number;
}

const DEFAULT_TIMEOUTS: AwsTimeouts = {
  // A handshake takes a few round trips; what needs longer is a packet filter that drops.
  connectionMs: 3_000,
  // A listing of 1,000 keys takes below a second, also at a store under load.
  requestMs: 30_000,
  longPollMs: 30_000,
};

/** A scan of an hour must survive bursts of SlowDown: full jitter below 1, 2, 4 … 20 s, together about half a minute. */
const MEASURING_ATTEMPTS = 8;
/** The consumer asks again by itself, and waits as suits a queue. */
const SQS_ATTEMPTS = 3;
/** Whoever waits for a query asks again by itself, and holds no job meanwhile. */
const ATHENA_ATTEMPTS = 3;

// The SDK warns in plain text on standard error, amid our JSON, at every start on Node 20. It says that releases from 2027
// on need Node 22; ours is pinned, runs on 20, and whoever raises it reads its `engines`.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const nothing = (): void => undefined;
/** What the SDK has to say goes to the console, as plain text; all that matters we learn from what it throws. */
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * An API and an account, twelve digits or `own` (that of the process itself), and how many attempts it turned down. Both come
 * from declarations, so there are few.
 */
export type ThrottledRequests = readonly [
  labels: { readonly api: Service; readonly account: string },
  requests: number,
];

type Service = 's3' | 'sqs' | 'ecr' | 'cloudwatch' | 'athena';

/**
 * Clients of AWS as we configure them: with timeouts, more attempts, the checksums that self-hosted stores understand, and
 * the SDK's own chain of credentials (environment, IRSA, Pod Identity, instance), renewed by itself.
 *
 * One client for each (service, region, endpoint, identity): its connections and its budget of retries are its own, so an
 * account that is throttled, or a region that is down, never slows another.
 *
 *   open ──stop()──▶ stopped (whoever still calls is told that the client is destroyed)
 */
export class AwsClients {
  readonly #timeouts: AwsTimeouts;
  readonly #clients = new Map<string, { destroy(): void }>();
  readonly #throttled = new Map<string, ThrottledRequests>();
  #stopped = false;

  constructor(options: { readonly timeouts?: Partial<AwsTimeouts> } = {}) {
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  }

  /**
   * Attempts that were throttled since the process started, those that a retry made good included, for each API and account
   * that ever was. Limits are an account's, so this says whose are too low.
   */
  get throttledRequests(): readonly ThrottledRequests[] {
    return [...this.#throttled.values()];
  }

  s3(target: AwsTarget): S3Client {
    return this.#clientOf('s3', target, () => {
      const client = new S3Client({
        ...this.#common(target, MEASURING_ATTEMPTS, this.#timeouts.requestMs),
        ...(target.forcePathStyle === undefined ? {} : { forcePathStyle: target.forcePathStyle }),
        // What the SDK computes and demands by default since 3.729, R2, B2, OVH and older MinIO refuse.
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      });
      return this.#watched(client, 's3', target, this.#timeouts.requestMs);
    });
  }

  /** For long polls. */
  sqs(target: AwsTarget): SQSClient {
    return this.#clientOf('sqs', target, () => {
      const client = new SQSClient({
        ...this.#common(target, SQS_ATTEMPTS, this.#timeouts.longPollMs),
        // Otherwise the host of the queue's URL wins over the endpoint, which is wrong behind a tunnel or an emulator.
        useQueueUrlAsEndpoint: !hasEndpoint(target),
      });
      return this.#watched(client, 'sqs', target, this.#timeouts.longPollMs);
    });
  }

  ecr(target: AwsTarget): ECRClient {
    return this.#clientOf('ecr', target, () => {
      const { requestMs } = this.#timeouts;
      const client = new ECRClient(this.#common(target, MEASURING_ATTEMPTS, requestMs));
      return this.#watched(client, 'ecr', target, requestMs);
    });
  }

  cloudWatch(target: AwsTarget): CloudWatchClient {
    return this.#clientOf('cloudwatch', target, () => {
      const { requestMs } = this.#timeouts;
      const client = new CloudWatchClient(this.#common(target, MEASURING_ATTEMPTS, requestMs));
      return this.#watched(client, 'cloudwatch', target, requestMs);
    });
  }

  athena(target: AwsTarget): AthenaClient {
    return this.#clientOf('athena', target, () => {
      const { requestMs } = this.#timeouts;
      const client = new AthenaClient(this.#common(target, ATHENA_ATTEMPTS, requestMs));
      return this.#watched(client, 'athena', target, requestMs);
    });
  }

  /** Closes all connections; calls under way fail. Stop whoever uses the clients first. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  #clientOf<Client extends { destroy(): void }>(
    service: Service,
    target: AwsTarget,
    create: () => Client,
  ): Client {
    if (this.#stopped) throw new Error('the AWS clients are stopped');
    const { region, endpoint, forcePathStyle, roleArn, externalId, account } = target;
    const key = JSON.stringify([
      service,
      region,
      endpoint,
      forcePathStyle,
      roleArn,
      externalId,
      account,
    ]);
    // Only `create` of the same service ever stores under a key that begins with it.
    const known = this.#clients.get(key) as Client | undefined;
    if (known !== undefined) return known;
    const client = create();
    this.#clients.set(key, client);
    return client;
  }

  #common({ region, endpoint, roleArn, externalId }: AwsTarget, maxAttempts: number, ms: number) {
    const http = {
      connectionTimeout: this.#timeouts.connectionMs,
      requestTimeout: ms,
      // Without it the SDK logs that the time is up, and waits on.
      throwOnRequestTimeout: true,
      logger: SILENT,
    };
    const assumed =
      roleArn === undefined
        ? undefined
        : fromTemporaryCredentials({
            params: {
              RoleArn: roleArn,
              RoleSessionName: 'odometer',
              ...(externalId === undefined ? {} : { ExternalId: externalId }),
            },
            // Of the region itself: the global endpoint of STS is far, and closed in some networks.
            clientConfig: { region, requestHandler: http, logger: SILENT },
          });
    return {
      region,
      maxAttempts,
      retryMode: 'standard',
      logger: SILENT,
      requestHandler: http,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(assumed === undefined ? {} : { credentials: assumed }),
    };
  }

  #watched<Client extends S3Client | SQSClient | ECRClient | CloudWatchClient | AthenaClient>(
    client: Client,
    api: Service,
    target: AwsTarget,
    bodyMs: number,
  ): Client {
    const account = accountOf(target);
    client.middlewareStack.use(unlessBodyDrips(bodyMs));
    client.middlewareStack.use(completeAnswers());
    client.middlewareStack.use(watchedAttempts(() => this.#countThrottled(api, account)));
    return client;
  }

  #countThrottled(api: Service, account: string): void {
    const key = `${api} ${account}`;
    const [labels, requests] = this.#throttled.get(key) ?? [{ api, account }, 0];
    this.#throttled.set(key, [labels, requests + 1]);
  }
}

/** As declared, or that of the role: `arn:aws:iam::123456789012:role/…`. Else whichever the process belongs to. */
function accountOf({ account, roleArn }: AwsTarget): string {
  return account ?? roleArn?.split(':')[4] ?? 'own';
}

function hasEndpoint({ endpoint }: AwsTarget): boolean {
  const ofEnvironment = process.env.AWS_ENDPOINT_URL_SQS ?? process.env.AWS_ENDPOINT_URL;
  return endpoint !== undefined || ofEnvironment !== undefined;
}
