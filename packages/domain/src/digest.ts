import { hash } from 'node:crypto';

/** The first 16 bytes of a text's SHA-256, in UUID form: an identity for a uuid column, half as long as its text. */
export function digestUuid(text: string): string {
  const hex = hash('sha256', text);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** The first 8 bytes of a text's SHA-256 as a signed 64-bit integer, in decimal text, for a bigint column. */
export function digestBigint(text: string): string {
  return BigInt.asIntN(64, BigInt(`0x${hash('sha256', text).slice(0, 16)}`)).toString();
}
