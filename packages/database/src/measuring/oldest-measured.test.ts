import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { putMeasuredTarget } from './measured-targets.ts';
import { beginMeasurement, finishMeasurement } from './measurements.ts';
import { oldestMeasured, storageDrift } from './oldest-measured.ts';

const { pool } = useTestDatabase();

async function measured(
  kind: 'bucket' | 'reading',
  target: string,
  state: 'complete' | 'refused',
  startedAt: string,
  figures: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const holder = randomUUID();
  const request = { kind, target, purpose: 'hourly', options: {} } as const;
  const measurement = await beginMeasurement(pool, request, holder);
  const id = measurement?.id ?? '';
  const end =
    state === 'complete' ? { state, figures } : { state, failure: 'x', detail: 'x', figures };
  await finishMeasurement(pool, { id, holder }, end);
  await pool.query('update measurements set started_at = $2 where id = $1', [id, startedAt]);
}

test('the oldest of each kind is told: its last complete measurement, or its declaration', async () => {
  expect(await oldestMeasured(pool)).toEqual([]);
  for (const name of ['a', 'b']) await putMeasuredTarget(pool, 'reading', name, {});
  await pool.query("update measured_targets set updated_at = '2026-01-01T00:00:00Z'");
  const oldest = async () => (await oldestMeasured(pool)).map(({ kind, at }) => [kind, at]);
  await measured('reading', 'a', 'complete', '2026-02-01T10:00:00Z');
  expect(await oldest()).toEqual([['reading', new Date('2026-01-01T00:00:00Z')]]);
  await measured('reading', 'b', 'complete', '2026-02-01T08:00:00Z');
  expect(await oldest()).toEqual([['reading', new Date('2026-02-01T08:00:00Z')]]);
  // A result that was not believed is none.
  await measured('reading', 'b', 'refused', '2026-02-01T11:00:00Z');
  expect(await oldest()).toEqual([['reading', new Date('2026-02-01T08:00:00Z')]]);
  await measured('reading', 'b', 'complete', '2026-02-01T12:00:00Z');
  expect(await oldest()).toEqual([['reading', new Date('2026-02-01T10:00:00Z')]]);
});

test('drift is what the last listings corrected, both ways, without what filled a ledger or is old', async () => {
  const since = new Date('2026-02-01T00:00:00Z');
  const none = { objects: 0, bytes: 0 };
  expect(await storageDrift(pool, since)).toBeUndefined();
  for (const name of ['p', 'q']) {
    await pool.query(
      `insert into buckets (name, bucket, region, declaration) values ($1, $1, 'local', '{}')`,
      [name],
    );
  }
  const corrections = {
    missed_creation: { objects: '3', bytes: '300' },
    missed_removal: { objects: '2', bytes: '-50' },
  };
  await measured('bucket', 'p', 'complete', '2026-02-01T10:00:00Z', { filled: true, corrections });
  expect(await storageDrift(pool, since)).toEqual(none);
  await measured('bucket', 'p', 'complete', '2026-02-01T11:00:00Z', { filled: false, corrections });
  await measured('bucket', 'q', 'complete', '2026-02-01T11:00:00Z', { filled: false, corrections });
  expect(await storageDrift(pool, since)).toEqual({ objects: 10, bytes: 700 });
  expect(await storageDrift(pool, new Date('2026-02-01T12:00:00Z'))).toBeUndefined();
});
