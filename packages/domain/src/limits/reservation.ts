/**
 * Long enough for what was allowed to be done and to be reported: usage is applied within seconds, and an upload or a
 * build takes minutes. Short enough that an asker that died does not keep its room for long.
 */
export const DEFAULT_RESERVATION_SECONDS = 900;

/** A day. Room that is needed for longer is not a reservation but usage that should be reported in parts. */
export const MAX_RESERVATION_SECONDS = 86_400;

/** The CloudEvents extension attribute with which usage names the reservation that it uses up. */
const RESERVATION_ATTRIBUTE = 'reservationid';

const RESERVATION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id of the reservation that an event uses up, or undefined. What is no id releases nothing. */
export function reservationOf(
  attributes: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const id = attributes?.[RESERVATION_ATTRIBUTE];
  return typeof id === 'string' && RESERVATION_ID.test(id) ? id.toLowerCase() : undefined;
}
