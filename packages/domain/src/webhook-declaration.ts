import { z } from 'zod';
import { fieldPathSchema } from './field-path.ts';
import { imageOwnersSchema } from './registries/image-owners.ts';
import { signatureFields, tokenHashSchema } from './sender-proof.ts';
import { isSlug } from './slug.ts';

/** Auth0's own name for a login by a person. */
const AUTH0_SUCCESSFUL_LOGIN = 's';

const slug = z.string().refine(isSlug, 'should be a valid name');

/** `project`, or `organization/project` when the webhook has no organization of its own. */
const projectName = z
  .string()
  .refine(
    (text) => text.split('/').length <= 2 && text.split('/').every(isSlug),
    'should be project or organization/project',
  );

const project = z.union([
  /** All usage belongs to this project. */
  z.strictObject({ fixed: projectName }),
  z.strictObject({
    field: fieldPathSchema,
    /** Project by value of the field, for values that are no names themselves (`My App (production)`). */
    names: z.record(z.string().max(512), projectName).optional(),
    /** Where usage goes whose field is missing or, with `names`, not listed. Without it such records are refused. */
    otherwise: projectName.optional(),
  }),
]);

const common = {
  /** Last part of the address, `/webhooks/{name}`. `storage` belongs to another service. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label')
    .refine((name) => name !== 'storage', 'is reserved'),
  /** The only organization it may write for; null: the project's field names the organization too. */
  organization: slug.nullable().default(null),
};

const auth0 = z.strictObject({
  ...common,
  kind: z.literal('auth0'),
  tokenHash: tokenHashSchema,
  type: z.string().min(1).max(255).default('logins'),
  /**
   * Which log types are usage. `s` alone by default: one for each time a person logs in. Silent authentication (`ssa`)
   * and token exchanges (`seacft`, `sertft`) happen without anybody doing anything, many times a day.
   */
  logTypes: z.array(z.string().min(1)).min(1).default([AUTH0_SUCCESSFUL_LOGIN]),
  fields: z.strictObject({
    id: fieldPathSchema.default('log_id'),
    time: fieldPathSchema.default('date'),
    user: fieldPathSchema.default('user_id'),
    project,
  }),
});

const hmac = z.strictObject({
  ...common,
  kind: z.literal('hmac'),
  /** Name of the environment variable that holds the secret: checking a signature needs it in clear. */
  secretEnv: z
    .string()
    .regex(
      /^ODOMETER_WEBHOOK_SECRET_[A-Z0-9_]{1,64}$/,
      'should begin with ODOMETER_WEBHOOK_SECRET_',
    ),
  signature: z.strictObject({
    ...signatureFields,
    algorithm: z.literal('sha256').default('sha256'),
  }),
  type: z.string().min(1).max(255),
  fields: z.strictObject({
    id: fieldPathSchema,
    time: fieldPathSchema.optional(),
    user: fieldPathSchema.optional(),
    /** The quantity, `data.value` of the event; 1 when it is not mapped. */
    value: fieldPathSchema.optional(),
    project,
  }),
});

/** Notifications of a registry of images (Docker's distribution): what is pushed and pulled, in bytes. */
const distribution = z.strictObject({
  ...common,
  kind: z.literal('distribution'),
  tokenHash: tokenHashSchema,
  /** Whose transfers they are, by repository. Blobs have no tag: a rule with one fits manifests only. */
  owners: imageOwnersSchema,
  /** Users whose transfers do not count, such as the one that Odometer itself measures the registry as. */
  ignoreActors: z.array(z.string().min(1).max(256)).max(64).default([]),
});

/**
 * How somebody else's notifications become events: who may send them, and where in a record the parts of an event are.
 * Written by operators, stored by `odometer apply`, read by ingest-api.
 */
export const webhookDeclarationSchema = z.discriminatedUnion('kind', [auth0, hmac, distribution]);

export type WebhookDeclaration = z.infer<typeof webhookDeclarationSchema>;
export type Auth0Webhook = Extract<WebhookDeclaration, { kind: 'auth0' }>;
export type HmacWebhook = Extract<WebhookDeclaration, { kind: 'hmac' }>;
export type DistributionWebhook = Extract<WebhookDeclaration, { kind: 'distribution' }>;

/** Whether its records count when they arrive. What is read later than it happened must say when that was. */
export function saysNoTime(webhook: WebhookDeclaration): boolean {
  return webhook.kind === 'hmac' && webhook.fields.time === undefined;
}
