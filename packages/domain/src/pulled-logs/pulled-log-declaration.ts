import { z } from 'zod';
import { endpointSchema } from '../endpoint-schema.ts';
import { fieldPathSchema } from '../field-path.ts';
import { DURATION, durationMs } from '../posthoc/duration.ts';
import { checkpointTemplateProblem } from './checkpoint-template.ts';

const dnsLabel = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label');

const parameter = z
  .string()
  .regex(/^[A-Za-z0-9_.~[\]-]{1,64}$/, 'should be the name of a query parameter');

/** Only such variables: a declaration must not be able to send any other of the worker's secrets to an address of its choice. */
const secretEnv = z
  .string()
  .regex(/^ODOMETER_PULL_SECRET_[A-Z0-9_]{1,64}$/, 'should begin with ODOMETER_PULL_SECRET_');

/** The bell rings every 10 minutes; what should be asked more often is left to webhooks. */
const MIN_INTERVAL_MS = 600_000;
const MAX_INTERVAL_MS = 86_400_000;
/** Beyond what events may be old by default (395 days) nothing is counted. */
const MAX_BACK_MS = 9_000 * 3_600_000;

function duration(minMs: number, maxMs: number, range: string) {
  return z.string().superRefine((text, context) => {
    const issue = (message: string) => context.addIssue({ code: 'custom', message });
    if (!DURATION.test(text)) issue('should be like 30m or 6h');
    else if (durationMs(text) < minMs || durationMs(text) > maxMs) issue(`should be ${range}`);
  });
}

const bearer = z.strictObject({
  type: z.literal('bearer'),
  /** Name of the worker's environment variable that holds the token. */
  tokenEnv: secretEnv,
});

/** RFC 6749, 4.4: a token for a client's id and secret, renewed when it has expired. */
const clientCredentials = z.strictObject({
  type: z.literal('client-credentials'),
  tokenUrl: endpointSchema,
  clientIdEnv: secretEnv,
  clientSecretEnv: secretEnv,
  /** Which API the token is for; Auth0 wants it. */
  audience: z.string().min(1).max(512).optional(),
  scope: z.string().min(1).max(512).optional(),
});

/**
 * A log that somebody else keeps and answers page by page over HTTP, from a checkpoint on. What its items are, and the ids of
 * their events, is said by a webhook's declaration: what was delivered and is pulled counts once. Written by operators, stored
 * by `odometer apply`, read by stats-worker.
 */
export const pulledLogDeclarationSchema = z
  .strictObject({
    /** Ours, for commands and metrics. */
    name: dnsLabel,
    /** Name of the declared webhook whose mapping makes events of the items. */
    webhook: dnsLabel,
    /** Where a page is; without the query. */
    url: endpointSchema,
    /** Parameters that every request has besides. */
    query: z.record(parameter, z.string().max(1_024)).default({}),
    /** Where in a page the list of items is; not said: the page is the list. */
    items: fieldPathSchema.optional(),
    checkpoint: z.strictObject({
      /** The parameter that says after what a page begins. */
      parameter,
      /** Where a page has the checkpoint of the next: that parameter in its `Link`, a field of it, or a field of its last item. */
      next: z.union([
        z.strictObject({ link: z.literal('next') }),
        z.strictObject({ field: fieldPathSchema }),
        z.strictObject({ lastItem: fieldPathSchema }),
      ]),
      /** The checkpoint of an instant; without it, the API is asked without a checkpoint at first. */
      start: z
        .string()
        .min(1)
        .max(512)
        .superRefine((text, context) => {
          const message = checkpointTemplateProblem(text);
          if (message !== undefined) context.addIssue({ code: 'custom', message });
        })
        .optional(),
    }),
    pageSize: z.strictObject({ parameter, count: z.int().min(1).max(10_000) }).optional(),
    authorization: z.discriminatedUnion('type', [bearer, clientCredentials]),
    /** Whether the clock leaves it alone; a declaration cannot be taken back. */
    paused: z.boolean().default(false),
    /** How often it is read. */
    interval: duration(MIN_INTERVAL_MS, MAX_INTERVAL_MS, '10m to 24h').default('10m'),
    /** How far back the first reading begins; needs `checkpoint.start`. */
    lookBack: duration(0, MAX_BACK_MS, 'at most 9000h').default('24h'),
    /** What was read so lately is read again each time, where an API has items that appear late. */
    overlap: duration(0, MAX_INTERVAL_MS, 'at most 24h').default('0m'),
    /** How long the API keeps items: whoever comes later has lost some, even when the API says nothing. */
    retention: duration(MIN_INTERVAL_MS, MAX_BACK_MS, '10m to 9000h').optional(),
  })
  .superRefine(({ checkpoint, pageSize, query, interval, overlap, retention }, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const names = [checkpoint.parameter, pageSize?.parameter ?? [], Object.keys(query)].flat();
    if (new Set(names).size < names.length) issue('query', 'should name each parameter once');
    // What is no duration is told already.
    const ms = (text: string | undefined) =>
      text !== undefined && DURATION.test(text) ? durationMs(text) : undefined;
    if ((ms(retention) ?? Number.POSITIVE_INFINITY) <= (ms(interval) ?? 0)) {
      issue('retention', 'should be longer than interval');
    } else if (
      (ms(retention) ?? Number.POSITIVE_INFINITY) <=
      (ms(interval) ?? 0) + (ms(overlap) ?? 0)
    ) {
      // Each reading would begin where the log may keep nothing any more.
      issue('overlap', 'should be shorter than retention less interval');
    }
  });

export type PulledLogDeclaration = z.infer<typeof pulledLogDeclarationSchema>;
