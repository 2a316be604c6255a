import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatQuantity, type Scaled } from '@odometer/domain/decimal';
import { seededRandom } from '@odometer/testing/seeded-random';
import { decimal, limitAcme, NOW_MS, openLimits, setUsage } from '../../test/limits-fixture.ts';
import { inTransaction } from '../pool.ts';
import { readLimits } from './read-limits.ts';
import {
  forgetReservations,
  type ReserveAnswer,
  releaseReservation,
  releaseUsedReservations,
  reserve,
} from './reservations.ts';

let limits: Awaited<ReturnType<typeof openLimits>>;
beforeEach(async () => {
  limits = await openLimits(8);
});
afterEach(() => limits.close());

const CONNECTIONS = 8;
const EXPIRY_SECONDS = 60;

const ask = (
  quantity: string | number,
  { id = randomUUID(), project = 'web' as string | null, nowMs = NOW_MS, resource = 'logs' } = {},
): Promise<ReserveAnswer> =>
  reserve(
    limits.pool,
    {
      organization: 'acme',
      project: project ?? undefined,
      resource,
      quantity: decimal(quantity),
      id,
      expiresInSeconds: EXPIRY_SECONDS,
    },
    nowMs,
  );

const hard = (scope: string, included: number) => ({ meter: 'logs', scope, included, hard: true });

async function reserved(nowMs = NOW_MS): Promise<Record<string, string>> {
  const subject = { organization: 'acme', project: 'web' };
  const { limits: found } = await readLimits(limits.pool, subject, nowMs);
  return Object.fromEntries(found.map((limit) => [limit.scope, formatQuantity(limit.reserved)]));
}

describe('a reservation', () => {
  test('takes room of its project and its organization until it expires', async () => {
    await limitAcme(limits.pool, [hard('project', 10), hard('organization', 15)]);
    expect((await ask(6)).reservation).toMatchObject({
      state: 'open',
      expiresAtMs: NOW_MS + EXPIRY_SECONDS * 1_000,
    });
    expect((await ask(6, { project: 'app' })).reservation).toBeDefined();
    expect(await reserved()).toEqual({ organization: '12', project: '6' });
    // The organization has room for 3 only.
    expect(await ask(4)).toMatchObject({ allowed: false, reservation: undefined });
    expect((await ask(1, { project: null })).allowed).toBe(true);
    const later = NOW_MS + EXPIRY_SECONDS * 1_000;
    expect(await reserved(later - 1)).toEqual({ organization: '13', project: '6' });
    expect(await reserved(later)).toEqual({ organization: '0', project: '0' });
    expect((await ask(10, { nowMs: later })).allowed).toBe(true);
  });

  test('is answered the same for the same id, once and at once, also when it is over', async () => {
    await limitAcme(limits.pool, [hard('project', 5)]);
    const id = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(5, { id })));
    expect(new Set(answers.map(({ allowed }) => allowed))).toEqual(new Set([true]));
    expect(await reserved()).toEqual({ project: '5' });
    const later = NOW_MS + EXPIRY_SECONDS * 1_000;
    expect((await ask(5, { id, nowMs: later })).reservation).toEqual({
      ...answers[0]?.reservation,
      state: 'expired',
      organizationId: '1',
      projectId: '1',
      resource: 'logs',
      quantity: '5',
    });
    await expect(ask(4, { id })).rejects.toMatchObject({ code: 'reservation_id_taken' });
    await expect(ask(5, { id, resource: 'logins' })).rejects.toMatchObject({
      code: 'reservation_id_taken',
    });
  });

  test('that is refused leaves nothing, and its id may ask again', async () => {
    await limitAcme(limits.pool, [hard('project', 5)]);
    const id = randomUUID();
    expect((await ask(6, { id })).allowed).toBe(false);
    expect((await ask(5, { id })).allowed).toBe(true);
  });

  test('is released by hand, by its organization only, as often as one likes', async () => {
    await limitAcme(limits.pool, [hard('project', 5)]);
    const id = randomUUID();
    await ask(5, { id });
    expect(await releaseReservation(limits.pool, id, 'other', NOW_MS)).toBe(false);
    expect(await reserved()).toEqual({ project: '5' });
    expect(await releaseReservation(limits.pool, id, 'acme', NOW_MS)).toBe(true);
    expect(await releaseReservation(limits.pool, id, null, NOW_MS)).toBe(true);
    expect(await reserved()).toEqual({ project: '0' });
    expect((await ask(5, { id })).reservation?.state).toBe('released');
  });

  test('is not released by usage of another organization', async () => {
    await limitAcme(limits.pool, [hard('project', 5)]);
    const id = randomUUID();
    await ask(5, { id });
    const used = (organization: string) =>
      inTransaction(limits.pool, (transaction) =>
        releaseUsedReservations(transaction, [{ organization, id }]),
      );
    await used('other');
    expect(await reserved()).toEqual({ project: '5' });
    await used('acme');
    expect(await reserved()).toEqual({ project: '0' });
  });

  test('is forgotten long after it ended, never while it is open', async () => {
    const open = randomUUID();
    await ask(1, { id: open, nowMs: NOW_MS + 1_000_000 });
    await ask(1);
    await ask(1);
    const forget = () =>
      forgetReservations(limits.pool, NOW_MS + 1_000_000, AbortSignal.timeout(10_000));
    expect(await forget()).toBe(2);
    expect(await forget()).toBe(0);
    const { rows } = await limits.pool.query('select id from limit_reservations');
    expect(rows).toEqual([{ id: open }]);
  });
});

describe('from 8 connections at once', () => {
  test.each([1, 2, 3])('those that ask never get more than is included (seed %i)', async (seed) => {
    await limitAcme(limits.pool, [hard('project', 60), hard('organization', 100)]);
    await setUsage(limits.pool, { projectId: 1, meter: 'logs', sum: '7.5' });
    const random = seededRandom(seed);
    const granted: Record<string, Scaled> = { web: decimal('7.5'), app: 0n, none: 0n };
    let refusals = 0;
    const asker = async () => {
      for (let i = 0; i < 25; i += 1) {
        const project = random.pick(['web', 'app', null]);
        const quantity = decimal(String(random.integer(4, 11) / 4));
        const { allowed } = await ask(formatQuantity(quantity), { project });
        if (allowed) granted[project ?? 'none'] = (granted[project ?? 'none'] ?? 0n) + quantity;
        else refusals += 1;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, asker));
    const { web = 0n, app = 0n, none = 0n } = granted;
    expect(refusals).toBeGreaterThan(0);
    expect(web).toBeLessThanOrEqual(decimal(60));
    expect(app).toBeLessThanOrEqual(decimal(60));
    expect(web + app + none).toBeLessThanOrEqual(decimal(100));
    // And nobody is refused what there is room for: the smallest quantity asked for is 1.
    expect(web + app + none).toBeGreaterThan(decimal(97));
    expect((await reserved()).organization).toBe(formatQuantity(web + app + none - decimal('7.5')));
  });

  test('usage that releases its reservation is never seen with it, nor without both', async () => {
    const room = 120;
    await limitAcme(limits.pool, [hard('project', room), hard('organization', room)]);
    const ids = Array.from({ length: room }, () => randomUUID());
    for (const id of ids) await ask(1, { id });
    let isDone = false;
    const seen = new Set<string>();
    const useUp = async (worker: number) => {
      for (const id of ids.filter((_, i) => i % 4 === worker)) {
        await inTransaction(limits.pool, async (transaction) => {
          await transaction.query(
            `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count) values (1, 8, '2026-11-01Z', 1, 1, 1)
             on conflict (project_id, meter_id, month) do update set sum = usage_monthly.sum + 1`,
          );
          await releaseUsedReservations(transaction, [{ organization: 'acme', id }]);
        });
      }
    };
    const watch = async () => {
      while (!isDone) {
        const subject = { organization: 'acme', project: 'web' };
        const { limits: found } = await readLimits(limits.pool, subject, NOW_MS);
        for (const limit of found) seen.add(formatQuantity(limit.used + limit.reserved));
      }
    };
    const intrude = async () => {
      let refused = 0;
      while (!isDone) {
        expect((await ask(1)).allowed).toBe(false);
        refused += 1;
      }
      return refused;
    };
    const others = [watch(), watch(), intrude(), intrude()];
    try {
      await Promise.all([0, 1, 2, 3].map(useUp));
    } finally {
      isDone = true;
    }
    await Promise.all(others);
    expect(seen).toEqual(new Set([String(room)]));
    expect(await reserved()).toEqual({ organization: '0', project: '0' });
  });
});
