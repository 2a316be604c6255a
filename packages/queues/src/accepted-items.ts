/**
 * How many accepted items a job carries: events, changes of objects, or messages. What carries none (a seal) has 0.
 * @param payload of any job of the catalogue, perhaps read back from Redis.
 */
export function acceptedItems(payload: unknown): number {
  if (typeof payload !== 'object' || payload === null) return 0;
  if ('events' in payload && Array.isArray(payload.events)) return payload.events.length;
  if ('changes' in payload && Array.isArray(payload.changes)) return payload.changes.length;
  if ('messages' in payload && Array.isArray(payload.messages)) return payload.messages.length;
  if ('messages' in payload && typeof payload.messages === 'number') return payload.messages;
  return 0;
}
