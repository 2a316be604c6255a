import { compareKeys } from '@odometer/domain/objects/key-order';
import type { KeyRange, ListedObject, ListedPage } from './object-lister.ts';

/** One answer of a store that is asked for a range, page by page. */
export interface Answer {
  /** In the order of their keys. */
  readonly objects: readonly ListedObject[];
  /** Before the store was asked. */
  readonly askedAtMs: number;
  /** Keys of delete markers, in order: they are no objects, and yet say how far the answer reaches. */
  readonly markedKeys: readonly string[];
  /** Whether there is more. */
  readonly isTruncated: boolean;
  /** A key of which the next answer may have more versions. */
  readonly openKey?: string;
}

/** Nobody stores so much that is no object between two that are; a store that answers so goes in circles. */
const MOST_EMPTY_ANSWERS = 100;

/**
 * Makes pages of answers: whole keys, within the range, in order. What is left of a key whose versions go on is kept for the
 * next page, so this holds one answer and the versions of one key.
 *
 * @param refuse makes the error of an answer that cannot be right.
 * @throws what `refuse` makes: keys out of order, or nothing new in a hundred answers.
 */
export async function* keyPages(
  range: KeyRange,
  answers: AsyncIterable<Answer>,
  refuse: (reason: string) => Error,
): AsyncGenerator<ListedPage> {
  let kept: readonly ListedObject[] = [];
  let keptAskedAtMs = Number.POSITIVE_INFINITY;
  let through = range.after;
  let last = range.after;
  let empty = 0;
  for await (const answer of answers) {
    for (const { key } of answer.objects) {
      if (last !== null && compareKeys(key, last) < 0) {
        throw refuse('keys are not in the order of their bytes');
      }
      last = key;
    }
    // Some stores begin with the key after which they were asked.
    const fresh = answer.objects.filter(({ key }) => key !== range.after);
    const objects = [...kept, ...fresh];
    const askedAtMs = Math.min(keptAskedAtMs, answer.askedAtMs);
    const { until } = range;
    if (!answer.isTruncated || (until !== null && isPast(answer, until))) {
      const within =
        until === null ? objects : objects.filter(({ key }) => compareKeys(key, until) <= 0);
      yield { objects: within, through: until, isLast: true, askedAtMs };
      return;
    }
    const end = lastWholeKey(answer);
    if (end === undefined || (through !== null && compareKeys(end, through) <= 0)) {
      empty += 1;
      if (empty > MOST_EMPTY_ANSWERS) throw refuse(`nothing new in ${empty} answers`);
      [kept, keptAskedAtMs] = [
        objects,
        objects.length === 0 ? Number.POSITIVE_INFINITY : askedAtMs,
      ];
      continue;
    }
    empty = 0;
    through = end;
    kept = objects.filter(({ key }) => compareKeys(key, end) > 0);
    // All that was kept before is in this page: it was of a key that has ended.
    keptAskedAtMs = kept.length > fresh.length ? askedAtMs : answer.askedAtMs;
    if (kept.length === 0) keptAskedAtMs = Number.POSITIVE_INFINITY;
    const whole = kept.length === 0 ? objects : objects.slice(0, objects.length - kept.length);
    yield { objects: whole, through: end, isLast: false, askedAtMs };
  }
  throw refuse('the listing ended before its last page');
}

/** Whether the answer has all there is up to `until`: nothing of it can be in the next one. */
function isPast({ objects, markedKeys, openKey }: Answer, until: string): boolean {
  for (const key of [objects.at(-1)?.key, markedKeys.at(-1)]) {
    if (key === undefined) continue;
    const order = compareKeys(key, until);
    if (order > 0 || (order === 0 && openKey !== until)) return true;
  }
  return false;
}

/** The last key of which there is no more, and that Postgres can hold: a position has no NUL. */
function lastWholeKey({ objects, markedKeys, openKey }: Answer): string | undefined {
  const isWhole = (key: string) => key !== openKey && !key.includes('\0');
  const key = objects.findLast((object) => isWhole(object.key))?.key;
  const marked = markedKeys.findLast(isWhole);
  if (key === undefined || marked === undefined) return key ?? marked;
  return compareKeys(key, marked) > 0 ? key : marked;
}
