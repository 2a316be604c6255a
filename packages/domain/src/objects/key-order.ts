const SURROGATE_START = 0xd800;
const SURROGATE_END = 0xdfff;

/**
 * Compares two keys as S3 lists them, and as Postgres does with collation "C": by the bytes of their UTF-8, which is the
 * order of code points. JavaScript's own `<` compares UTF-16 units, and puts what is beyond U+FFFF before U+E000 to U+FFFF.
 *
 * @returns negative, 0 or positive, as for sorting. Never throws.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const isBeyond = isSurrogate(x);
    return isBeyond === isSurrogate(y) ? x - y : isBeyond ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= SURROGATE_START && unit <= SURROGATE_END;
}
