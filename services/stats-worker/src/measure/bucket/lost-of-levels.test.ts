import { expect, test } from '@jest/globals';
import type { LevelDifference } from '@odometer/database/objects/listing-sums';
import { lostOfLevels } from './lost-of-levels.ts';

const change = (projectId: string | null, type: string, objects: number): LevelDifference => ({
  projectId,
  organizationId: projectId,
  type,
  objects,
  bytes: BigInt(objects) * 10n,
});

test.each([
  ['nothing changed', [], false, 0],
  ['another project has more', [change('1', 'log', -40), change('2', 'log', 90)], false, 40],
  ['more of another type', [change('1', 'log', -40), change('1', 'scene', 90)], false, 40],
  ['nobody has more', [change('1', 'log', -40), change(null, 'log', 90)], false, 40],
  ['what was nobody’s is somebody’s', [change(null, 'log', -40), change('1', 'log', 40)], false, 0],
  [
    'nobody has less, of it somebody more',
    [change(null, 'x', -40), change('1', 'x', 30)],
    false,
    10,
  ],
  ['the keys mean something else', [change('1', 'log', -40), change('2', 'log', 35)], true, 5],
])('what is lost of levels: %s', (_, changed, isMappedAnew, objects) => {
  const bytes = BigInt(objects) * 10n;
  expect(lostOfLevels(changed, isMappedAnew)).toEqual({ objects, bytes });
});
