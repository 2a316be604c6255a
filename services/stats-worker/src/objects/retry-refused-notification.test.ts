import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openAppliers } from '../../test/applier-fixture.ts';
import { declareBucket, expectLevelsToAddUp, levels } from '../../test/object-fixture.ts';
import { retryRefusedNotification } from './retry-refused-notification.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
beforeEach(async () => {
  system = await openAppliers();
  await declareBucket(system.pool);
});
afterEach(async () => {
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

const record = (object: object, eventName = 'ObjectCreated:Put', bucket = 'acme-assets') => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: 'us-east-1',
  eventTime: '2026-11-22T10:00:00.000Z',
  eventName,
  s3: { bucket: { name: bucket }, object },
});
const retry = (records: readonly object[], buckets: readonly string[] = ['assets']) =>
  retryRefusedNotification(system.parts, { buckets, text: JSON.stringify({ Records: records }) });

describe('17. a store that sends no sequencer, or the same one for everything', () => {
  test.each([{}, { sequencer: '0' }, { sequencer: '000000' }])(
    'is refused with a reason, and counted once its clock is declared to be trusted: %j',
    async (sequencer) => {
      const object = { key: 'acme/web/a', size: 5, ...sequencer };
      await expect(retry([record(object)])).rejects.toMatchObject({
        code: 'notification_refused',
        message: expect.stringContaining('order: event_time'),
      });
      expect(await levels(system.pool)).toEqual({});
      await declareBucket(system.pool, { order: 'event_time' });
      await retry([record(object)]);
      await retry([record(object)]);
      expect(await levels(system.pool)).toEqual({ 'acme/web object': ['5', 1] });
    },
  );
});

test('13. what changes no bytes changes nothing here either, its sequencer included', async () => {
  await retry([record({ key: 'acme/web/a', size: 5, sequencer: 'A1' })]);
  const others = ['ObjectRestore:Completed', 'ObjectTagging:Put', 'ObjectAcl:Put'];
  await retry(
    [...others, 'ObjectRetention:Put', 'ObjectAnnotation:Put'].map((name) =>
      record({ key: 'acme/web/a', size: 900, sequencer: 'A9' }, name),
    ),
  );
  await retry([record({ key: 'acme/web/a', size: 7, sequencer: 'A2' })]);
  expect(await levels(system.pool)).toEqual({ 'acme/web object': ['7', 1] });
});

test('one record that is still refused harms none of those that were refused with it', async () => {
  const good = record({ key: 'acme/web/a', size: 5, sequencer: 'A1' });
  const bad = record({ key: '%zz', size: 1, sequencer: 'A1' });
  for (let i = 0; i < 2; i += 1) {
    await expect(retry([bad, good, bad])).rejects.toMatchObject({
      code: 'notification_refused',
      message: expect.stringContaining('and 1 records more'),
    });
    expect(await levels(system.pool)).toEqual({ 'acme/web object': ['5', 1] });
  }
});

test('a source speaks of its own buckets only', async () => {
  await declareBucket(system.pool, { name: 'other', bucket: 'other' });
  const object = { key: 'acme/web/a', size: 5, sequencer: 'A1' };
  await expect(retry([record(object, 'ObjectCreated:Put', 'other')])).rejects.toThrow(
    'is called other',
  );
  await retry([record(object, 'ObjectCreated:Put', 'other')], ['assets', 'other']);
  expect(await levels(system.pool)).toEqual({ 'acme/web object': ['5', 1] });
});

test('what is no notification stays refused', async () => {
  await expect(
    retryRefusedNotification(system.parts, { buckets: ['assets'], text: 'hello' }),
  ).rejects.toMatchObject({ code: 'notification_refused' });
});
