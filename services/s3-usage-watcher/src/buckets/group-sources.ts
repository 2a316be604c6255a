import type { BucketTable, DeclaredBucket } from './read-buckets.ts';

/** A queue of SQS, and as whom it is read. */
export interface SqsSpec {
  readonly kind: 'sqs';
  readonly queueUrl: string;
  readonly region: string;
  readonly roleArn: string | undefined;
  readonly externalId: string | undefined;
}

/** A topic of a broker whose URL is in the environment. */
export interface MqttSpec {
  readonly kind: 'mqtt';
  /** Each has its own session at a broker that several share. */
  readonly installation: string;
  readonly urlEnv: string;
  readonly topic: string;
}

export type SourceSpec = SqsSpec | MqttSpec;

/** What one source sends notifications of. */
export interface DeclaredSource<Spec> {
  readonly spec: Spec;
  readonly buckets: readonly DeclaredBucket[];
}

export interface DeclaredSources {
  /** Those that we ask, by a key that is the same as long as it is the same queue or topic. */
  readonly pulled: ReadonlyMap<string, DeclaredSource<SourceSpec>>;
  /** Those that send to us, by the last part of their address. */
  readonly webhooks: ReadonlyMap<string, readonly DeclaredBucket[]>;
  /**
   * Names of buckets whose queue is declared for another one with another region or role. A queue can be read as one only, so
   * the first one's, by name, holds.
   */
  readonly disagreeing: readonly string[];
}

/**
 * Who notifies of which buckets. Several buckets may share a queue, an address or a topic, which is then read once: two
 * readers of one queue would each get messages meant for the other's buckets.
 */
export function groupSources({
  installation,
  declared,
}: Pick<BucketTable, 'installation' | 'declared'>): DeclaredSources {
  const pulled = new Map<string, { spec: SourceSpec; buckets: DeclaredBucket[] }>();
  const webhooks = new Map<string, DeclaredBucket[]>();
  const disagreeing: string[] = [];
  for (const bucket of declared) {
    const { notifications, name } = bucket.declaration;
    if (notifications.kind === 'webhook') {
      const sharing = webhooks.get(notifications.path);
      if (sharing === undefined) webhooks.set(notifications.path, [bucket]);
      else sharing.push(bucket);
      continue;
    }
    const spec = specOf(bucket, installation);
    if (spec === undefined) continue;
    const key = keyOf(spec);
    const known = pulled.get(key);
    if (known === undefined) {
      pulled.set(key, { spec, buckets: [bucket] });
      continue;
    }
    known.buckets.push(bucket);
    if (!isSameSpec(known.spec, spec)) disagreeing.push(name);
  }
  return { pulled, webhooks, disagreeing };
}

/** Whether a running source still is what is declared. */
export function isSameSpec(a: SourceSpec, b: SourceSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function specOf({ declaration }: DeclaredBucket, installation: string): SourceSpec | undefined {
  const { notifications, region, roleArn, externalId } = declaration;
  switch (notifications.kind) {
    case 'sqs':
      return {
        kind: 'sqs',
        queueUrl: notifications.queueUrl,
        region: notifications.region ?? region,
        roleArn,
        externalId,
      };
    case 'mqtt':
      return {
        kind: 'mqtt',
        installation,
        urlEnv: notifications.urlEnv,
        topic: notifications.topic,
      };
    default:
      return undefined;
  }
}

function keyOf(spec: SourceSpec): string {
  return spec.kind === 'sqs' ? `sqs ${spec.queueUrl}` : `mqtt ${spec.urlEnv} ${spec.topic}`;
}
