import { z } from 'zod';
import { endpointSchema, regionSchema } from '../endpoint-schema.ts';
import { signatureFields, tokenHashSchema } from '../sender-proof.ts';
import { isSlug } from '../slug.ts';
import { parseKeyPattern, parseKeyTemplate } from './key-template.ts';

const slug = z.string().refine(isSlug, 'should be a valid name');
const label = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label');

/** Refined and not transformed: what is stored is what was written, and whoever reads it parses it again. */
const template = z
  .string()
  .max(1024)
  .superRefine((text, context) => {
    const parsed = parseKeyTemplate(text);
    if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed });
  });

const pattern = z
  .strictObject({
    pattern: z.string().max(1024),
    type: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'should be lower-case letters, digits and _'),
  })
  .superRefine((each, context) => {
    const parsed = parseKeyPattern(each.pattern, each.type);
    if (typeof parsed === 'string') {
      context.addIssue({ code: 'custom', message: parsed, path: ['pattern'] });
    }
  });

/** Name of an environment variable that holds a secret, which is needed in clear. */
const secretEnv = z
  .string()
  .regex(/^ODOMETER_STORAGE_SECRET_[A-Z0-9_]{1,64}$/, 'should begin with ODOMETER_STORAGE_SECRET_');

/** Which of the shapes of notifications the source sends; a sequencer of one does not compare with that of the other. */
const form = z.enum(['s3', 'eventbridge']).default('s3');

const sqs = z.strictObject({
  kind: z.literal('sqs'),
  queueUrl: endpointSchema,
  /** Of the queue: S3 notifies queues of the bucket's own region, EventBridge any. @default the bucket's */
  region: regionSchema.optional(),
  form,
});

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  /** Last part of the address, `/webhooks/storage/{path}`. Several buckets may share one. */
  path: label,
  /** Of the token that the store sends, with or without `Bearer` (MinIO, RustFS). */
  tokenHash: tokenHashSchema.optional(),
  /** HMAC-SHA-256 of the body, for whatever signs; either this or tokenHash. */
  signature: z.strictObject({ secretEnv, ...signatureFields }).optional(),
  form,
});

const mqtt = z.strictObject({
  kind: z.literal('mqtt'),
  /** Name of the environment variable with the broker's URL, credentials included. */
  urlEnv: secretEnv,
  topic: z.string().min(1).max(1024),
  form,
});

/** Notifications are not sent, or not trusted: what lies there is known from listings alone. */
const none = z.strictObject({ kind: z.literal('none') });

/**
 * A bucket whose objects are counted, and for whom. Written by operators, stored by `odometer apply`, read by
 * s3-usage-watcher (where notifications come from) and by stats-worker (whose object it is, how it is listed).
 */
export const bucketDeclarationSchema = z
  .strictObject({
    /** Ours, for commands and metrics. */
    name: label,
    /** As the store calls it. */
    bucket: z.string().min(1).max(255),
    region: regionSchema.default('us-east-1'),
    /** Of AWS, twelve digits. It says nothing about which bucket it is: see isSameBucket. */
    account: z
      .string()
      .regex(/^\d{12}$/, 'should be twelve digits')
      .optional(),
    /** Of a self-hosted store; without it AWS. */
    endpoint: endpointSchema.optional(),
    /** `https://host/bucket/key` instead of `https://bucket.host/key`, as most self-hosted stores want it. */
    forcePathStyle: z.boolean().default(false),
    /** A role to assume for listing it and for its queue; without it the process' own identity. */
    roleArn: z.string().min(20).max(2048).optional(),
    externalId: z.string().min(2).max(1224).optional(),
    /**
     * `full`: a row for each object, with its key. `hashed`: the same, but a hash in the key's place: half the room, and no
     * key to be read. `listing`: no rows; bytes are what the last complete listing says.
     */
    ledger: z.enum(['full', 'hashed', 'listing']).default('full'),
    notifications: z.discriminatedUnion('kind', [sqs, webhook, mqtt, none]),
    /** What orders notifications of one key. Only a store that sends no usable sequencer needs its clock trusted instead. */
    order: z.enum(['sequencer', 'event_time']).default('sequencer'),
    /** Where a key names its owner. Keys outside it are kept as unattributed. */
    keys: template.default('{organization}/{project}/…'),
    /** Owner of keys whose template names none. */
    organization: slug.optional(),
    project: slug.optional(),
    /** By what follows the owner in the key; the first that fits. Bytes of type `log` make `logs_storage_bytes`. */
    types: z.array(pattern).max(64).default([]),
    /** What changed this recently is left to the next listing: its notification may still be under way. */
    graceSeconds: z.int().min(0).max(86_400).default(900),
    /**
     * A listing that misses more than this share of the ledger is not believed: a wrong prefix, or an emptied bucket. Ten
     * objects may always be missing, unless it is 0: then none may.
     */
    maxVanishingPercent: z.int().min(0).max(100).default(20),
    /** Parts of a listing that are read at once. */
    listConcurrency: z.int().min(1).max(64).default(8),
  })
  .superRefine((bucket, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const names = (placeholder: string) => bucket.keys.split('/').includes(placeholder);
    if (names('{project}') === (bucket.project !== undefined)) {
      issue('project', 'should be given when keys has no {project}, and only then');
    }
    if (names('{organization}') === (bucket.organization !== undefined)) {
      issue('organization', 'should be given when keys has no {organization}, and only then');
    }
    const { notifications } = bucket;
    if (bucket.ledger === 'listing' && notifications.kind !== 'none') {
      issue('notifications', 'should be of kind none: a ledger of listings takes no notifications');
    }
    if (
      notifications.kind === 'webhook' &&
      (notifications.tokenHash === undefined) === (notifications.signature === undefined)
    ) {
      issue('notifications', 'should have either tokenHash or signature');
    }
  });

export type BucketDeclaration = z.infer<typeof bucketDeclarationSchema>;
