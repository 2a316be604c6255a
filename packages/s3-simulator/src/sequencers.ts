/** Digits after the seconds: half of the sequencers end two digits earlier, as lengths differ on AWS. */
const LOW_DIGITS = 8;
const LOW_RANGE = 1n << BigInt(4 * LOW_DIGITS);

/**
 * Sequencers that rise with every call, as S3 gives them out: 00, eight hexadecimal digits of seconds since the epoch, and
 * six or eight more. Whoever compares them without padding, or as numbers, is found out by their different lengths.
 */
export class Sequencers {
  #last = 0n;
  #given = 0;

  next(nowMs: number): string {
    this.#given += 1;
    const bySeconds = BigInt(Math.floor(nowMs / 1000)) * LOW_RANGE;
    const least = this.#last + 1n > bySeconds ? this.#last + 1n : bySeconds + 0x2f01n;
    const isShort = this.#given % 2 === 0;
    this.#last = isShort ? (least | 0xffn) + 1n : least + BigInt((this.#given * 37) % 251);
    const digits = `00${this.#last
      .toString(16)
      .toUpperCase()
      .padStart(8 + LOW_DIGITS, '0')}`;
    return isShort ? digits.slice(0, -2) : digits;
  }
}

/** What lifecycle rules stamp: midnight (UTC) of the day, older than anything else that happened on it. */
export function midnightSequencer(nowMs: number): string {
  const midnightS = Math.floor(nowMs / 86_400_000) * 86_400;
  return `00${midnightS.toString(16).toUpperCase().padStart(8, '0')}${'0'.repeat(LOW_DIGITS)}`;
}
