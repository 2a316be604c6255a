import { z } from 'zod';

/** The options of a measurement of a reading: hours that somebody wants to have read again, half-open; windows only. */
export const askedHoursSchema = z.object({
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
});

/** A year and a day: whoever asks for more at once has mistyped. */
export const MAX_ASKED_HOURS = 8_784;
