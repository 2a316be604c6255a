import { z } from 'zod';

/**
 * SHA-256, in hex, of the token that a sender is configured to send as `Authorization`. The token itself is random and long, so
 * a plain hash keeps it secret.
 */
export const tokenHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'should be a SHA-256 in lower-case hex');

/** Where a sender puts the HMAC-SHA-256 of a body. */
export const signatureFields = {
  header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,128}$/)
    .transform((header) => header.toLowerCase()),
  /** What stands before the signature in the header: `sha256=`. */
  prefix: z.string().max(64).default(''),
  encoding: z.enum(['hex', 'base64']).default('hex'),
};
