import { completeFigures } from '@odometer/database/measuring/complete-figures';
import type { Transaction } from '@odometer/database/pool';
import type { ImageSums } from '@odometer/database/registries/measured-images';
import { OdometerError } from '@odometer/domain/errors';
import { z } from 'zod';

/** So few may vanish whatever share they are, unless none is left: of a registry with three images one is a third. */
const A_HANDFUL = 10n;

const count = z.string().regex(/^\d+$/).transform(BigInt);
/** Of what a measurement has found out, as it was kept. */
const figuresSchema = z.object({ images: count, bytes: count });

/**
 * Refuses a measurement that has so much less than the last complete one that it is rather the registry that answers wrongly:
 * a catalogue that is empty, or another registry behind the same name.
 *
 * @throws OdometerError `measurement_refused`
 */
export async function refuseVanished(
  transaction: Transaction,
  registry: string,
  found: ImageSums,
  maxVanishingPercent: number,
): Promise<void> {
  const [last] = await completeFigures(transaction, 'registry', registry);
  const before = figuresSchema.safeParse(last?.figures).data;
  if (before === undefined) return;
  const vanished = before.images - BigInt(found.images);
  const handful = maxVanishingPercent === 0 ? 0n : A_HANDFUL;
  const isTooMuch =
    vanished > handful && vanished * 100n > BigInt(maxVanishingPercent) * before.images;
  const isEmptied = maxVanishingPercent < 100 && before.bytes > 0n && found.bytes === '0';
  if (!isTooMuch && !isEmptied) return;
  throw new OdometerError('measurement_refused', {
    reason:
      `${vanished} of ${before.images} images would vanish, and ${found.bytes} of ${before.bytes} bytes be left, ` +
      `which is more than ${maxVanishingPercent} %; levels stay as they were (if they are gone, odometer measure ecr or oci with ` +
      `--accept-drift)`,
  });
}
