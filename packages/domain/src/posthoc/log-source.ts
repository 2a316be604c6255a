import { z } from 'zod';

const columns = z
  .array(z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, 'should be small letters, digits and _'))
  .min(1)
  .max(200)
  .refine((names) => new Set(names).size === names.length, 'should name each column once');

const character = z.string().length(1);

/** Lines of fields with a delimiter between them, such as the logs of AWS load balancers. All columns are text. */
const delimited = z.strictObject({
  type: z.literal('delimited'),
  delimiter: character.default(','),
  quote: character.default('"'),
  /** Before a quote that is part of a value; a quote itself is as good for files that double them. */
  escape: character.default('"'),
  /** Whether a file's first line names its columns, and is left out. */
  header: z.boolean().default(false),
  /** The first columns of each line, in their order; further ones are ignored, because providers append some. */
  columns,
});

/** Lines that a regular expression takes apart. */
const pattern = z.strictObject({
  type: z.literal('pattern'),
  /** RE2 (https://github.com/google/re2/wiki/Syntax), with a group for each column. */
  pattern: z.string().min(1).max(10_000),
  columns,
});

/** Placeholders of a path, all of UTC. */
const PATH_PARTS = ['yyyy', 'MM', 'dd', 'HH'] as const;

/** Where logs are, and how their lines are read. In SQL they are the table `logs`. */
export const logSourceSchema = z.strictObject({
  type: z.literal('directory'),
  /**
   * Files below the worker's directory of logs (ODOMETER_POSTHOC_DIRECTORY): `*` and `?` stand for parts of names, `**` for
   * any directories, `{yyyy}`, `{MM}`, `{dd}` and `{HH}` for parts of the time. Names that end in `.gz` are compressed.
   */
  path: z
    .string()
    .min(1)
    .max(1_024)
    .refine(
      (path) => path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
      'should be relative, without . and ..',
    )
    .refine((path) => !/[[\]'\\\0]/.test(path), "should have no brackets, backslash or '")
    .refine(
      (path) => {
        const unknown = path.replace(/\{(yyyy|MM|dd|HH)\}/g, '');
        return !/[{}]/.test(unknown);
      },
      `has a placeholder that is none of ${PATH_PARTS.map((part) => `{${part}}`).join(', ')}`,
    ),
  /**
   * How many hours after a window the times in paths go on: providers sort files by when they deliver them, and what was
   * before midnight is delivered the day after.
   */
  lateHours: z.int().min(0).max(72).default(24),
  format: z.discriminatedUnion('type', [delimited, pattern]),
});

export type LogSource = z.infer<typeof logSourceSchema>;

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
