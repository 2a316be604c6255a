/**
 * A key as listings write it when they are asked for `EncodingType: url`, which they must be: a key may hold what XML
 * cannot. As in forms, a space is a plus.
 *
 * @param refuse makes the error of a key that cannot be read.
 */
export function decodeListedKey(text: string, refuse: (reason: string) => Error): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw refuse(`the key ${JSON.stringify(text.slice(0, 200))} is not url-encoded`);
  }
}
