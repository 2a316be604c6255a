/** Stands for a line that is not JSON, so that it is counted like every other record. */
export const UNREADABLE_RECORD = Symbol('unreadable record');

/**
 * The records of a webhook's body, in whichever of the three forms log streams use: a JSON array, one JSON object, or
 * JSON lines. A line that cannot be read does not hide the others.
 *
 * @returns undefined when nothing in the body is JSON. Never throws.
 */
export function webhookRecords(body: string): readonly unknown[] | undefined {
  const whole = parse(body);
  if (Array.isArray(whole)) return whole;
  if (whole !== UNREADABLE_RECORD) return [whole];
  const lines = body
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parse);
  return lines.some((line) => line !== UNREADABLE_RECORD) ? lines : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return UNREADABLE_RECORD;
  }
}
