import { describe, expect, test } from '@jest/globals';
import { OdometerError } from '@odometer/domain/errors';
import { onceReady } from './once-ready.ts';

const away = (reason: string) => new OdometerError('postgres_unavailable', { reason });
const older = () => new OdometerError('schema_mismatch', { expected: '0002_b', found: 'nothing' });

/** Fails as told, one after the other, then gives `done`. */
function failing(...errors: readonly Error[]): () => Promise<string> {
  const left = [...errors];
  return async () => {
    const error = left.shift();
    if (error !== undefined) throw error;
    return 'done';
  };
}

describe('onceReady', () => {
  test('waits for Postgres, then for its schema, and tells each reason once', async () => {
    const told: string[] = [];
    const work = failing(away('ECONNREFUSED'), away('ECONNREFUSED'), older());
    expect(await onceReady(work, 30_000, (reason) => told.push(reason))).toBe('done');
    expect(told).toEqual([away('ECONNREFUSED').message, older().message]);
  });

  test('ends with the last reason when the time is over', async () => {
    const work = failing(...Array.from({ length: 50 }, () => away('ECONNREFUSED')));
    await expect(onceReady(work, 100, () => {})).rejects.toMatchObject({
      code: 'postgres_unavailable',
    });
  });

  test('without time to wait it tries once', async () => {
    const told: string[] = [];
    const waiting = onceReady(failing(older()), 0, (reason) => told.push(reason));
    await expect(waiting).rejects.toMatchObject({ code: 'schema_mismatch' });
    expect(told).toEqual([]);
  });

  test.each(['28P01', '28000', '3D000'])(
    'does not wait where Postgres refuses: %s',
    async (code) => {
      const cause = Object.assign(new Error('refused'), { code });
      const refused = new OdometerError('postgres_unavailable', { reason: 'refused' }, { cause });
      await expect(onceReady(failing(refused), 30_000, () => {})).rejects.toBe(refused);
      const restarting = Object.assign(new Error('starting up'), { code: '57P03' });
      const starting = new OdometerError(
        'postgres_unavailable',
        { reason: 'x' },
        { cause: restarting },
      );
      expect(await onceReady(failing(starting), 30_000, () => {})).toBe('done');
    },
  );

  test('does not repeat what waiting does not mend', async () => {
    const work = failing(new Error('a migration is wrong'));
    await expect(onceReady(work, 30_000, () => {})).rejects.toThrow('a migration is wrong');
  });
});
