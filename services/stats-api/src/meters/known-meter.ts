import { findMeter, type StoredMeter } from '@odometer/database/meters/stored-meter';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { z } from 'zod';

/** In the path of every address of one meter. */
export const meterParams = { meter: z.string().min(1).max(63).describe('its slug or id') };

/** @throws OdometerError `meter_not_found` */
export async function findKnownMeter(pool: Pool, slugOrId: string): Promise<StoredMeter> {
  const meter = await findMeter(pool, slugOrId);
  if (meter === undefined) throw new OdometerError('meter_not_found', { meter: slugOrId });
  return meter;
}
