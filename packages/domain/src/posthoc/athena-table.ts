import { z } from 'zod';
import { endpointSchema, regionSchema } from '../endpoint-schema.ts';
import { parseReadingQuery } from '../readings/reading-query.ts';

/** Names of Glue; they are quoted where they are used. */
const name = z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'should be letters, digits, _ and -');

/** So that what is later is greater as a text, too: a window's partitions are those between two of them. */
const IN_ORDER = /^yyyy(MM(dd(HH)?)?)?$/;

/** A column by which a table is partitioned, and what it holds of the time: `day` with `yyyy/MM/dd`. */
const partition = z.strictObject({
  column: name,
  format: z
    .string()
    .max(64)
    .regex(
      /^(?:yyyy|MM|dd|HH)(?:[/_-]?(?:yyyy|MM|dd|HH))*$/,
      'should be of yyyy, MM, dd and HH, with /, - or _ between them',
    ),
});

/** One condition over the columns of a row. */
const condition = z
  .string()
  .max(2_000)
  .superRefine((text, context) => {
    const parsed = parseReadingQuery(text, 'positional');
    const problem =
      typeof parsed === 'string'
        ? parsed
        : parsed.places.length > 0
          ? 'should be of the row alone, without :start and :end'
          : undefined;
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** A table of Athena over the logs. In SQL its rows are the table `logs`. */
export const athenaTableSchema = z.strictObject({
  region: regionSchema,
  /** Should be one of its own, with a limit of bytes for each query. */
  workgroup: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, 'should be the name of a workgroup'),
  catalog: name.default('AwsDataCatalog'),
  database: name,
  table: name,
  /** Where answers go; without it, where the workgroup says. */
  outputLocation: z
    .string()
    .max(1_024)
    .regex(/^s3:\/\/[a-z0-9.-]{3,63}\/(?:.*\/)?$/, 'should be like s3://bucket/prefix/')
    .optional(),
  /** A role to assume; without it the process' own identity. */
  roleArn: z.string().min(20).max(2048).optional(),
  externalId: z.string().min(2).max(1224).optional(),
  /** Of something that speaks Athena's protocol; without it AWS. */
  endpoint: endpointSchema.optional(),
  /**
   * True for the row of a line that could not be parsed: `type is null` where a SerDe makes all columns of such a line null.
   * They are counted, which reads the logs a second time; without it they are not, and the query has to do with them.
   */
  unmatchedWhen: condition.optional(),
  /** Columns that keep a query to its window's partitions; without them it reads the whole table, each time. */
  partitions: z
    .array(partition)
    .min(1)
    .max(4)
    .refine((all) => new Set(all.map(({ column }) => column)).size === all.length, {
      message: 'should name each column once',
    })
    .refine(
      (all) => IN_ORDER.test(all.map(({ format }) => format.replace(/[/_-]/g, '')).join('')),
      'should be of the year first, then of the month, the day and the hour',
    )
    .optional(),
  /**
   * How many hours after a window its partitions go on: they are those of the delivery, and what was before midnight is
   * delivered the day after.
   */
  lateHours: z.int().min(0).max(72).default(24),
  /** A query that has read more is stopped, as soon as it is seen. The limit of a workgroup is sharper. */
  maxScannedBytes: z.int().min(1).optional(),
});

export type AthenaTable = z.infer<typeof athenaTableSchema>;

const HOUR_MS = 3_600_000;

/** Neighbouring partitions: equal in all columns but the last, and between two values in that. */
export interface PartitionRange {
  readonly equal: readonly string[];
  readonly first: string;
  readonly last: string;
}

/**
 * The partitions in which rows of a window may be, in the order of the columns.
 *
 * @param endMs of the window, exclusive.
 */
export function partitionsOfWindow(
  { partitions = [], lateHours }: Pick<AthenaTable, 'partitions' | 'lateHours'>,
  startMs: number,
  endMs: number,
): readonly PartitionRange[] {
  const ranges = new Map<string, PartitionRange>();
  if (partitions.length === 0) return [];
  for (let atMs = startMs; atMs < endMs + lateHours * HOUR_MS; atMs += HOUR_MS) {
    const values = partitions.map(({ format }) => formatHour(format, atMs));
    const equal = values.slice(0, -1);
    const last = values.at(-1) ?? '';
    const key = equal.join('/');
    ranges.set(key, { equal, first: ranges.get(key)?.first ?? last, last });
  }
  return [...ranges.values()];
}

function formatHour(format: string, atMs: number): string {
  const at = new Date(atMs).toISOString();
  return format
    .replaceAll('yyyy', at.slice(0, 4))
    .replaceAll('MM', at.slice(5, 7))
    .replaceAll('dd', at.slice(8, 10))
    .replaceAll('HH', at.slice(11, 13));
}
