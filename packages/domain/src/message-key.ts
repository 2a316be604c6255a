import { digestBigint, digestUuid } from './digest.ts';

/**
 * The identity under which a message with an id is counted once, in the table of events' claims. It begins with a word,
 * where an event's begins with a number: whatever source and id a client gives its events, none takes a message's place.
 *
 * @param origin what the ids are unique within, e.g. `aws-iot`.
 */
export function messageKey(organization: string, origin: string, id: string): string {
  return digestUuid(
    `message ${organization.length}:${organization}${origin.length}:${origin}${id}`,
  );
}

/**
 * What a message was: one id with two fingerprints is a conflict.
 *
 * @param sizeBytes topic plus payload.
 * @returns a signed 64-bit integer as decimal text, for a bigint column.
 */
export function messageFingerprint(topic: string, sizeBytes: number): string {
  return digestBigint(`${topic.length}:${topic}${sizeBytes}`);
}
