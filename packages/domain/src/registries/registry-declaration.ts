import { z } from 'zod';
import { endpointSchema, regionSchema } from '../endpoint-schema.ts';
import { imageOwnersSchema } from './image-owners.ts';

const common = {
  /** Ours, for commands and metrics. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label'),
  owners: imageOwnersSchema,
  /**
   * A measurement that misses more than this share of the images known before is not believed: a catalogue that is empty after a
   * restore, or shows less to whom we ask as. Half, because images are cleaned up in large numbers; ten may always be missing,
   * but not all there were. 0: none may. 100: all may.
   */
  maxVanishingPercent: z.int().min(0).max(100).default(50),
};

const ecr = z.strictObject({
  ...common,
  type: z.literal('ecr'),
  region: regionSchema.default('us-east-1'),
  /** Account of the registry, twelve digits; without it the one of the identity that asks. */
  registryId: z
    .string()
    .regex(/^\d{12}$/, 'should be twelve digits')
    .optional(),
  /** A role to assume; without it the process' own identity. */
  roleArn: z.string().min(20).max(2048).optional(),
  externalId: z.string().min(2).max(1224).optional(),
  /** Of something that speaks ECR's protocol; without it AWS. */
  endpoint: endpointSchema.optional(),
});

const oci = z.strictObject({
  ...common,
  type: z.literal('oci'),
  /** Where `/v2/` is: `https://registry.example.com`. */
  url: endpointSchema.refine(
    (text) => !URL.canParse(text) || new URL(text).pathname === '/',
    'should be a scheme and a host only',
  ),
  /** Name of the environment variable of stats-worker that holds `user:password`; without it nobody in particular. */
  credentialsEnv: z
    .string()
    .regex(
      /^ODOMETER_REGISTRY_CREDENTIALS_[A-Z0-9_]{1,64}$/,
      'should begin with ODOMETER_REGISTRY_CREDENTIALS_',
    )
    .optional(),
  /** Repositories to measure, of a registry that has no catalogue or does not show it; without it all. */
  repositories: z
    .array(
      z
        .string()
        .max(255)
        .regex(
          /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/,
          'should be the name of a repository',
        ),
    )
    .min(1)
    .max(10_000)
    .optional(),
  /** Requests under way at once. */
  concurrency: z.int().min(1).max(64).default(8),
});

/**
 * A registry of images that is measured, and for whom. Written by operators, stored by `odometer apply`, read by
 * stats-worker.
 */
export const registryDeclarationSchema = z.discriminatedUnion('type', [ecr, oci]);

export type RegistryDeclaration = z.infer<typeof registryDeclarationSchema>;
export type EcrRegistry = Extract<RegistryDeclaration, { type: 'ecr' }>;
export type OciRegistry = Extract<RegistryDeclaration, { type: 'oci' }>;

/** Whether two declarations would measure the same images, which would then count twice. */
export function isSameRegistry(a: RegistryDeclaration, b: RegistryDeclaration): boolean {
  if (a.type === 'oci' && b.type === 'oci') {
    if (new URL(a.url).host !== new URL(b.url).host) return false;
    const [some, others] = [a.repositories, b.repositories];
    return !some || !others || some.some((name) => others.includes(name));
  }
  return (
    a.type === 'ecr' &&
    b.type === 'ecr' &&
    a.region === b.region &&
    a.endpoint === b.endpoint &&
    (a.registryId ?? a.roleArn) === (b.registryId ?? b.roleArn)
  );
}
