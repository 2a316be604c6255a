/** As people write them: whole minutes or hours. */
export const DURATION = /^(\d{1,4})(m|h)$/;

const UNIT_MS = { m: 60_000, h: 3_600_000 } as const;

/** @throws RangeError when it is none: whoever declares one validates it. */
export function durationMs(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count === undefined || (unit !== 'm' && unit !== 'h')) {
    throw new RangeError(`not a duration: ${text}`);
  }
  return Number(count) * UNIT_MS[unit];
}
