/** See decode-notification.ts: nobody wraps a message more often. */
const MAX_ENVELOPES = 3;

/**
 * One record of a message that was understood, alone, as a message. For the rare one that is refused after all, because of how
 * its bucket is declared: neighbours that are good must not be kept, and tried again, with it.
 *
 * @param index of the record among those that `decodeNotification` found.
 * @returns the whole message when it holds but one, or is not as it was thought to be. Never throws.
 */
export function recordText(text: string, index: number): string {
  let inner = text;
  try {
    for (let envelopes = 0; envelopes <= MAX_ENVELOPES; envelopes += 1) {
      const { Records, Message } = JSON.parse(inner) as Readonly<Record<string, unknown>>;
      if (Array.isArray(Records)) return JSON.stringify({ Records: [Records[index]] });
      if (typeof Message !== 'string') return inner;
      inner = Message;
    }
  } catch {
    // Too deep to be written again.
  }
  return text;
}
