import { z } from 'zod';
import { endpointSchema, regionSchema } from '../endpoint-schema.ts';
import { logFormatSchema } from './log-format.ts';

/** Placeholders of a path, all of UTC. */
const PATH_PARTS = ['yyyy', 'MM', 'dd', 'HH'] as const;

const path = z
  .string()
  .min(1)
  .max(1_024)
  .refine(
    (text) => text.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'should be relative, without . and ..',
  )
  .refine((text) => !/[[\]'\\\0]/.test(text), "should have no brackets, backslash or '")
  .refine(
    (text) => {
      const unknown = text.replace(/\{(yyyy|MM|dd|HH)\}/g, '');
      return !/[{}]/.test(unknown);
    },
    `has a placeholder that is none of ${PATH_PARTS.map((part) => `{${part}}`).join(', ')}`,
  );

const files = {
  /**
   * `*` and `?` stand for parts of names, `**` for any directories, `{yyyy}`, `{MM}`, `{dd}` and `{HH}` for parts of the time.
   * What ends in `.gz` is compressed.
   */
  path,
  /**
   * How many hours after a window the times in paths go on: providers sort files by when they deliver them, and what was
   * before midnight is delivered the day after.
   */
  lateHours: z.int().min(0).max(72).default(24),
  format: logFormatSchema,
};

/** Files below the worker's directory of logs (ODOMETER_POSTHOC_DIRECTORY). */
const directory = z.strictObject({ type: z.literal('directory'), ...files });

/** Objects of a bucket, whose keys `path` is; reached as declared buckets are. */
const s3 = z.strictObject({
  type: z.literal('s3'),
  bucket: z.string().min(1).max(255),
  region: regionSchema.default('us-east-1'),
  /** Of a self-hosted store; without it AWS. */
  endpoint: endpointSchema.optional(),
  /** `https://host/bucket/key` instead of `https://bucket.host/key`, as most self-hosted stores want it. */
  forcePathStyle: z.boolean().default(false),
  /** A role to assume; without it the worker's own identity. */
  roleArn: z.string().min(20).max(2048).optional(),
  externalId: z.string().min(2).max(1224).optional(),
  ...files,
});

/** Where logs are, and how their lines are read. In SQL they are the table `logs`. */
export const logSourceSchema = z.discriminatedUnion('type', [directory, s3]);

export type LogSource = z.infer<typeof logSourceSchema>;
export type S3Source = Extract<LogSource, { readonly type: 's3' }>;

const HOUR_MS = 3_600_000;

/** The paths at which files of a window may be, in order, each once. @param endMs of the window, exclusive. */
export function pathsOfWindow(
  { path, lateHours }: Pick<LogSource, 'path' | 'lateHours'>,
  startMs: number,
  endMs: number,
): readonly string[] {
  const paths = new Set<string>();
  for (let atMs = startMs; atMs < endMs + lateHours * HOUR_MS; atMs += HOUR_MS) {
    const at = new Date(atMs).toISOString();
    paths.add(
      path
        .replaceAll('{yyyy}', at.slice(0, 4))
        .replaceAll('{MM}', at.slice(5, 7))
        .replaceAll('{dd}', at.slice(8, 10))
        .replaceAll('{HH}', at.slice(11, 13)),
    );
  }
  return [...paths];
}
