/**
 * What may name an organization, a project or a device: 1 to 128 characters, letters and digits of any script, `_`, and
 * after the first also `. : @ ~ -` (so that MAC addresses, e-mail addresses and UUIDs work). `/` is excluded because it
 * separates the parts of a subject and of a topic; `+ # $` because MQTT gives them a meaning.
 */
const SLUG = /^[\p{L}\p{N}_][\p{L}\p{N}_.:@~-]{0,127}$/u;

/** Whether `text` may name an organization, a project or a device. Never throws. */
export function isSlug(text: string): boolean {
  return SLUG.test(text);
}
