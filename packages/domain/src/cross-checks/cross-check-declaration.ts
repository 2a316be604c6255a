import { z } from 'zod';
import { endpointSchema, regionSchema } from '../endpoint-schema.ts';

const common = {
  /** Ours, for commands and metrics. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'should be a DNS label'),
  /** Drift within either of both is as it should be. */
  tolerance: z
    .strictObject({
      /** Of what the other side has counted. */
      percent: z.number().min(0).max(100).multipleOf(0.01).default(1),
      /** What may be under way, or in another interval, at any time. */
      messages: z.int().min(0).default(1_000),
    })
    .default({ percent: 1, messages: 1_000 }),
};

const cloudwatch = z.strictObject({
  ...common,
  source: z.literal('cloudwatch'),
  region: regionSchema,
  /** A role to assume; without it the process' own identity. */
  roleArn: z.string().min(20).max(2048).optional(),
  externalId: z.string().min(2).max(1224).optional(),
  /** Of something that speaks CloudWatch's protocol; without it AWS. */
  endpoint: endpointSchema.optional(),
  /** AWS/IoT has no other dimension, so each value of it is asked for, and summed. */
  protocols: z.array(z.string().min(1).max(64)).min(1).max(16).default(['MQTT', 'HTTP']),
  /** How long after its end an hour is compared: metrics come late, and are corrected for some minutes. */
  delayMinutes: z.int().min(0).max(1_440).default(15),
  /** Hours compared at once: what one side has in one hour and the other in the next makes no drift but at the edges. */
  hours: z.int().min(1).max(168).default(3),
});

const topic = z.string().min(1).max(1024);

const broker = z.strictObject({
  ...common,
  source: z.literal('broker'),
  /** Name of the environment variable of stats-worker with the broker's address: mqtt://user:password@host. */
  urlEnv: z
    .string()
    .regex(
      /^ODOMETER_CROSS_CHECK_URL_[A-Z0-9_]{1,64}$/,
      'should begin with ODOMETER_CROSS_CHECK_URL_, then capitals',
    ),
  /** Sources (ODOMETER_MQTT_CLIENT_ID of the counters) that count this broker's messages; without it all of them. */
  counters: z.array(z.string().min(1).max(255)).min(1).max(64).optional(),
  /** Where the broker says how much it was sent since it started; `+` for each node of a cluster. Mosquitto's by default. */
  topics: z
    .strictObject({
      messages: topic.default('$SYS/broker/publish/messages/received'),
      bytes: topic.nullable().default('$SYS/broker/publish/bytes/received'),
      /** Seconds since it started, as the first number of the text. Null: a restart is noticed by falling counts only. */
      uptime: topic.nullable().default('$SYS/broker/uptime'),
    })
    .prefault({}),
  /** How long its next figures are waited for: the interval at which it says them, and a little more. */
  waitSeconds: z.int().min(1).max(120).default(12),
});

/**
 * What somebody else has counted, to be compared with what mqtt-counter has. Written by operators, stored by
 * `odometer apply`, read by stats-worker.
 */
export const crossCheckDeclarationSchema = z.discriminatedUnion('source', [cloudwatch, broker]);

export type CrossCheckDeclaration = z.infer<typeof crossCheckDeclarationSchema>;
export type CloudWatchCheck = Extract<CrossCheckDeclaration, { source: 'cloudwatch' }>;
export type BrokerCheck = Extract<CrossCheckDeclaration, { source: 'broker' }>;
