import { isUtf8 } from 'node:buffer';
import { Refusal } from './refusal.ts';

export interface ParsedJson {
  readonly value: unknown;
  /**
   * Whether a string may hold what Postgres refuses (U+0000, lone surrogates). In valid UTF-8 both can only be written
   * as `\u` escapes, so a body without any needs no look at its strings: one scan of bytes instead of one per string.
   */
  readonly mayHoldBadText: boolean;
}

const ESCAPE = Buffer.from('\\u');

/** Parses a body once. Bytes that are not UTF-8 are refused: decoding would replace them silently, and ids with them. */
export function parseJson(body: Buffer): ParsedJson | Refusal {
  if (!isUtf8(body)) return new Refusal('malformed', 'the body is not valid UTF-8');
  try {
    return { value: JSON.parse(body.toString()), mayHoldBadText: body.includes(ESCAPE) };
  } catch {
    return new Refusal('malformed', 'the body is not valid JSON');
  }
}
