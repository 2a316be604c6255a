import type { Pool } from '@odometer/database/pool';
import { attributeUsage } from './attribute-usage.ts';
import type { MonthPartitions } from './month-partitions.ts';
import { attributeObjects } from './objects/attribute-objects.ts';
import type { UsageWriter } from './periods/usage-writer.ts';

/**
 * Gives everything that was kept for names their projects, once they are registered: usage, and stored objects.
 *
 * @returns how many rows of usage and how many objects found their project.
 * @throws the failure of one after the other is done, or an AggregateError.
 */
export async function attributeAll(
  pool: Pool,
  partitions: MonthPartitions,
  usage: UsageWriter,
): Promise<{ readonly rows: number; readonly objects: number }> {
  const [rows, objects] = await Promise.allSettled([
    attributeUsage(pool, partitions, usage),
    attributeObjects(pool),
  ]);
  if (rows.status === 'fulfilled' && objects.status === 'fulfilled') {
    return { rows: rows.value, objects: objects.value };
  }
  const failures = [rows, objects].flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length === 1) throw failures[0];
  throw new AggregateError(failures, 'neither usage nor objects found their projects');
}
