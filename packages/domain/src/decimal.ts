/**
 * Exact decimals for quantities. A quantity travels as decimal text (`"12.5"`), is added as a scaled bigint, and is
 * stored as `numeric`; it is never a float. Bounds follow the database's: Postgres takes `1e100000` as a number of
 * 100,001 digits, so what has no bound here has none there.
 */

/** At most this many digits before the point. 10^30 bytes is a thousand times all data there is. */
const MAX_INTEGER_DIGITS = 30;
/** At most this many digits after the point: picounits, and 30 + 12 digits add without loss in numeric. */
const FRACTION_DIGITS = 12;
/** A double holds any decimal of up to 15 significant digits exactly enough to print it back. */
const MAX_SAFE_SIGNIFICANT_DIGITS = 15;

const SCALE = 10n ** BigInt(FRACTION_DIGITS);
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A quantity as a whole number of 10^-12. Add with `+`; compare with `<`. */
export type Scaled = bigint;

/**
 * Reads a quantity from JSON: a number, or a string holding a decimal (as large integers must be: `JSON.parse` turns
 * 9007199254740993 into …992, and the source text is gone).
 *
 * @returns the scaled quantity, or a sentence that says why the value is no quantity. Never throws.
 */
export function parseQuantity(value: unknown): Scaled | string {
  if (typeof value === 'number') return fromNumber(value);
  if (typeof value === 'string') return fromText(value.trim());
  return value === null || value === undefined ? 'value is missing' : 'value is not a number';
}

function fromNumber(value: number): Scaled | string {
  if (Number.isSafeInteger(value)) return BigInt(value) * SCALE;
  if (!Number.isFinite(value)) return 'value is not finite';
  if (Number.isInteger(value)) return 'value is an integer beyond 2^53; send it as a string';
  const text = String(value);
  const digits = text
    .replace(/e.*$/, '')
    .replace(/^-?0?\.?0*/, '')
    .replace('.', '');
  if (digits.length > MAX_SAFE_SIGNIFICANT_DIGITS) {
    return 'value has more than 15 significant digits; send it as a string';
  }
  return fromText(text);
}

function fromText(text: string): Scaled | string {
  const match = DECIMAL.exec(text);
  if (match === null) return 'value is not a decimal number';
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const digits = `${whole}${fraction}`;
  // The value is `digits` × 10^(exponent − fraction length); trailing zeros of the fraction cost nothing.
  const significant = withoutTrailingZeros(digits);
  if (significant === '' || /^0*$/.test(significant)) return 0n;
  const power = exponent - fraction.length + (digits.length - significant.length);
  const coefficient = significant.replace(/^0+/, '');
  if (coefficient.length + power > MAX_INTEGER_DIGITS) {
    return `value has more than ${MAX_INTEGER_DIGITS} digits before the point`;
  }
  if (-power > FRACTION_DIGITS)
    return `value has more than ${FRACTION_DIGITS} digits after the point`;
  const magnitude = BigInt(coefficient) * 10n ** BigInt(power + FRACTION_DIGITS);
  return sign === '-' ? -magnitude : magnitude;
}

/** A regular expression would take the square of the length: megabytes of zeros, minutes of everybody's time. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return digits.slice(0, end);
}

const ZERO = '0'.charCodeAt(0);

/** Decimal text for Postgres and for people: no exponent, no trailing zeros (`"0.1"`, `"12"`, `"-3.5"`). */
export function formatQuantity(scaled: Scaled): string {
  const negative = scaled < 0n;
  const magnitude = negative ? -scaled : scaled;
  const whole = magnitude / SCALE;
  const fraction = (magnitude % SCALE).toString().padStart(FRACTION_DIGITS, '0').replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A whole number as a scaled quantity. */
export function wholeQuantity(count: number | bigint): Scaled {
  return BigInt(count) * SCALE;
}

const STORED = /^(-?)(\d+)(?:\.(\d{1,12}))?$/;

/**
 * Adds two decimals as the database writes them, exactly. A sum may be longer than any quantity that is let in: many
 * large quantities are.
 *
 * @throws RangeError when one of them is none.
 */
export function addDecimals(a: string, b: string): string {
  return formatQuantity(readDecimal(a) + readDecimal(b));
}

/**
 * A decimal as the database writes it, of any length.
 *
 * @throws RangeError when it is none, or has more than 12 digits after the point.
 */
export function readDecimal(text: string): Scaled {
  const [, sign, whole, fraction = ''] = STORED.exec(text) ?? [];
  if (whole === undefined) throw new RangeError(`not a decimal: ${text}`);
  const magnitude = BigInt(whole + fraction.padEnd(FRACTION_DIGITS, '0'));
  return sign === '-' ? -magnitude : magnitude;
}

/** The product as a whole number, halves rounded up, exactly; neither may be negative. */
export function multiplyToWhole(a: Scaled, b: Scaled): bigint {
  const squared = SCALE * SCALE;
  return (2n * a * b + squared) / (2n * squared);
}
