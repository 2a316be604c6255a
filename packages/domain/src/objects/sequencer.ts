/** More than twice the longest known one (MinIO's and AWS' have 16 to 18 digits). */
const MAX_LENGTH = 40;
const HEX = /^[0-9A-F]+$/;

/**
 * Brings a sequencer into the form in which two of the same key compare as text, byte by byte. The rule of the S3 User
 * Guide ("Event message structure") is to pad the shorter one on the right with zeros and compare; without the zeros at
 * their ends two compare just so, and take less room. A sequencer is no number, and those of one key may differ in length.
 *
 * @returns undefined for what orders nothing: none at all, no hexadecimal, or zeros only, as some stores send for every object.
 */
export function comparableSequencer(sequencer: string | undefined): string | undefined {
  if (sequencer === undefined || sequencer.length > MAX_LENGTH) return undefined;
  const upper = sequencer.toUpperCase();
  if (!HEX.test(upper)) return undefined;
  const comparable = withoutZerosAtEnd(upper);
  return comparable === '' ? undefined : comparable;
}

/** What takes a sequencer's place where a store has none and its clock is trusted. To the millisecond: ties are lost. */
export function sequencerOfTime(atMs: number): string {
  return withoutZerosAtEnd(atMs.toString(16).toUpperCase().padStart(16, '0'));
}

function withoutZerosAtEnd(text: string): string {
  return text.replace(/0+$/, '');
}
