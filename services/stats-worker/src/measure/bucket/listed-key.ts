/**
 * A key, or a part of one, of a listing that was asked for `EncodingType: url`, which each must be: a key may hold what XML
 * cannot. As in forms, a space is a plus. Some stores do not know the question; what they write is the key itself, and the
 * answer says which of the two it is.
 *
 * @param encoding what the answer says of itself.
 * @param refuse makes the error of a key that cannot be read.
 */
export function decodeListedKey(
  text: string,
  encoding: string | undefined,
  refuse: (reason: string) => Error,
): string {
  if (encoding !== 'url') return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw refuse(`the key ${JSON.stringify(text.slice(0, 200))} is not url-encoded`);
  }
}
