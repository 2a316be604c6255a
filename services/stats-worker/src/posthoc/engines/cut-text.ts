/** Longer texts of answers are cut off: they are what clients sent. No project, value or dimension is as long. */
export const MAX_TEXT_LENGTH = 2_048;

/**
 * The beginning of a text, as a copy: what `slice` returns would keep the whole text in memory, and of those there may be as many
 * as rows.
 */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return Buffer.from(text.slice(0, maxLength), 'utf16le').toString('utf16le');
}
