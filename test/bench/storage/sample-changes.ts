import type { ObjectChange } from '@odometer/domain/objects/object-change';

const PROJECTS = 100;
/** Of all changes; the rest are objects that are new. */
const OVERWRITTEN_SHARE = 0.3;
const REMOVED_SHARE = 0.1;
const START_MS = Date.UTC(2026, 10, 1);

/**
 * Changes as a fleet makes them: six in ten are new objects of 100 projects, three replace one, one removes one. The same
 * for both sides.
 *
 * @param from number of the first one; what is replaced or removed lies before it.
 */
export function sampleChanges(from: number, count: number): readonly ObjectChange[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const share = (n * 0.618_033_988_75) % 1;
    const isNew = n === 0 || share >= OVERWRITTEN_SHARE + REMOVED_SHARE;
    const object = isNew ? n : Math.floor(n * ((n * 0.754_877_666_2) % 1));
    const atMs = START_MS + n;
    return {
      bucketId: 1,
      key: `acme/project-${object % PROJECTS}/scenes/scene-${object % 5_000}/textures/${object}.ktx2`,
      version: '',
      action: share < REMOVED_SHARE && !isNew ? 'removed' : 'created',
      sizeBytes: share < REMOVED_SHARE && !isNew ? 0 : 1 + ((n * 7_919) % 5_000_000),
      sequencer: (0x55aed6dc00000000n + BigInt(n) * 4_096n + 1n).toString(16).toUpperCase(),
      atMs,
    };
  });
}
