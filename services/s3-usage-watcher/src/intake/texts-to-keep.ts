import type { RefusedRecord } from './sort-records.ts';

/**
 * Jobs that one message may become. Each costs a wait for Redis' disk: two hundred are done well within the deadline of a
 * sender over HTTP, and no store sends as many bad records beside one another unless all of its records are.
 */
export const MAX_REFUSED_JOBS = 200;
const OPENING = '{"Records":[';
const CLOSING = ']}';

/**
 * What to keep of a message's refused records: each one alone, so that one is tried again without the others; when there are
 * too many, all of them together as one message, which is no longer than the one they came in. Texts that are the same are kept once.
 */
export function textsToKeep(refused: readonly RefusedRecord[]): readonly string[] {
  const texts = [...new Set(refused.map(({ text }) => text))];
  if (texts.length <= MAX_REFUSED_JOBS) return texts;
  const alone = new Set(texts.filter(isOneRecord));
  const records = [...alone].map((text) => text.slice(OPENING.length, -CLOSING.length));
  const others = texts.filter((text) => !alone.has(text));
  return [`${OPENING}${records.join()}${CLOSING}`, ...others];
}

/** Not so is a record that is nested too deep to be written again: it is kept as the message that it came in. */
function isOneRecord(text: string): boolean {
  if (!text.startsWith(OPENING)) return false;
  try {
    const message: { readonly Records: readonly unknown[] } = JSON.parse(text);
    return message.Records.length === 1 && JSON.stringify({ Records: message.Records }) === text;
  } catch {
    return false;
  }
}
