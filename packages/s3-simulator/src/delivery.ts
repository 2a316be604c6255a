import type { SeededRandom } from './seeded-random.ts';

/** Shares of all messages, each from 0 to 1. */
export interface DeliveryOptions {
  readonly random: SeededRandom;
  /** Come twice or three times. @default 0 */
  readonly duplicatedShare?: number;
  /** Never come. @default 0 */
  readonly lostShare?: number;
  /** Come after all others. @default 0 */
  readonly delayedShare?: number;
  /** Otherwise they come in the order in which they were sent, duplicates right behind. @default true */
  readonly isShuffled?: boolean;
}

export interface Delivery<T> {
  /** In the order in which they come. */
  readonly arriving: readonly T[];
  /** What comes when all else was dealt with: a redrive, a queue that was stuck. */
  readonly late: readonly T[];
  readonly lost: readonly T[];
}

/** How a queue that promises delivery at least once, in no order, and does not always keep it, hands on messages. */
export function deliver<T>(messages: readonly T[], options: DeliveryOptions): Delivery<T> {
  const { random, duplicatedShare = 0, lostShare = 0, delayedShare = 0 } = options;
  const arriving: T[] = [];
  const late: T[] = [];
  const lost: T[] = [];
  for (const message of messages) {
    if (random.next() < lostShare) {
      lost.push(message);
      continue;
    }
    const times = random.next() < duplicatedShare ? random.integer(2, 3) : 1;
    for (let time = 0; time < times; time += 1) {
      (random.next() < delayedShare ? late : arriving).push(message);
    }
  }
  if (options.isShuffled === false) return { arriving, late, lost };
  return { arriving: random.shuffle(arriving), late: random.shuffle(late), lost };
}
