import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openPosthoc } from '../../test/posthoc-fixture.ts';
import { warnOfLateRevisions } from './late-revisions.ts';

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeAll(async () => {
  posthoc = await openPosthoc();
});
afterAll(() => posthoc.close());

test('tells of metrics whose last answer comes when their month may be closed, and of no others', async () => {
  const at = '2026-08-15T10:20:00Z';
  await posthoc.declare(at, { revisions: ['1h', '1426m'], timeoutSeconds: 240 });
  await posthoc.declare(at, { name: 'late', eventType: 'logins', revisions: ['1h', '1427m'] });
  const told: object[] = [];
  const log = { warn: (fields: object) => told.push(fields) };
  await warnOfLateRevisions(posthoc.pool, 24 * 3_600_000, log);
  expect(told).toEqual([
    {
      event: 'posthoc_revision_after_grace',
      metric: 'late',
      revision: '1427m',
      graceHours: 24,
    },
  ]);
});
