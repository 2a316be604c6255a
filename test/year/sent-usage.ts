import { MESSAGE_METERS } from './meters.ts';

const DIGITS = 12;
const HOUR_MS = 3_600_000;

/** A decimal as a whole number of 10^-12; the test's own reading of it, which shares nothing with the product's. */
export function scaled(decimal: string): bigint {
  const negative = decimal.startsWith('-');
  const [whole = '0', fraction = ''] = decimal.replace('-', '').split('.');
  const magnitude = BigInt(whole + fraction.slice(0, DIGITS).padEnd(DIGITS, '0'));
  return negative ? -magnitude : magnitude;
}

export interface Amount {
  sum: bigint;
  count: number;
}

/** `organization/project meter hour` → what was sent. */
export class SentUsage {
  readonly byHour = new Map<string, Amount>();

  add(project: string, meter: string, atMs: number, quantity: bigint, count = 1): void {
    const hour = new Date(Math.floor(atMs / HOUR_MS) * HOUR_MS).toISOString();
    const key = `${project} ${meter} ${hour}`;
    const amount = this.byHour.get(key) ?? { sum: 0n, count: 0 };
    amount.sum += quantity;
    amount.count += count;
    this.byHour.set(key, amount);
  }

  /** Messages, bytes and units in, then out, as in a count batch. */
  addMessages(project: string, hourMs: number, figures: readonly number[]): void {
    for (const [i, meter] of MESSAGE_METERS.entries()) {
      const messages = figures[i < 3 ? 0 : 3] ?? 0;
      if (messages === 0) continue;
      this.add(project, meter, hourMs, BigInt(figures[i] ?? 0) * 10n ** BigInt(DIGITS), messages);
    }
  }

  /** Sums over the part of the key that `keyOf` leaves of it. */
  sumBy(keyOf: (project: string, meter: string, hour: string) => string): Map<string, Amount> {
    const sums = new Map<string, Amount>();
    for (const [key, { sum, count }] of this.byHour) {
      const [project = '', meter = '', hour = ''] = key.split(' ');
      const name = keyOf(project, meter, hour);
      const amount = sums.get(name) ?? { sum: 0n, count: 0 };
      amount.sum += sum;
      amount.count += count;
      sums.set(name, amount);
    }
    return sums;
  }
}
