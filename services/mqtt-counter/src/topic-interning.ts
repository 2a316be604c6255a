import { isUtf8 } from 'node:buffer';
import { readTopic, type TopicTemplate } from '@odometer/domain/topic-template';
import { OwnerCounts } from './accumulator.ts';
import type { Rejection } from './rejections.ts';

/** What a topic means: an owner to count for and a direction, or a rejection. */
export interface TopicMeaning {
  readonly owner: OwnerCounts | undefined;
  readonly outbound: boolean;
  readonly rejection: Rejection | undefined;
}

/**
 * Beyond this many topics the cache is emptied at the next flush. 100,000 topics of 60 bytes take about 30 MB; a fleet
 * with more pays a parse for some messages, an attacker with random topics gains nothing else.
 */
const MAX_TOPICS = 100_000;
/** A longer prefix is read each time: no honest name is that long, and 100,000 of 64 KB would be 6 GB. */
const MAX_CACHED_BYTES = 400;

const SLASH = 0x2f;

/**
 * Remembers what topics mean, by the bytes of their decisive segments: reading a topic costs microseconds, finding it
 * here a fraction of one. All meanings of one owner share one OwnerCounts.
 *
 *   filling ──more than MAX_TOPICS──▶ full (nothing is added) ──trim──▶ filling, empty
 */
export class TopicInterning {
  readonly #template: TopicTemplate;
  readonly #decisiveSegments: number;
  readonly #perDevice: boolean;
  readonly #topics = new Map<string, TopicMeaning>();
  readonly #owners = new Map<string, OwnerCounts>();

  constructor(template: TopicTemplate, perDevice: boolean) {
    this.#template = template;
    this.#decisiveSegments = template.decisiveSegments;
    this.#perDevice = perDevice;
  }

  /** Topics remembered, for tests of its bound. */
  get size(): number {
    return this.#topics.size;
  }

  /**
   * What the topic in `bytes` from `start` to `end` means. Never throws, whatever the bytes.
   *
   * @param mayAdd whether an owner that is not known yet may be added; else its meaning is `overflow`
   */
  meaning(bytes: Buffer, start: number, end: number, mayAdd: boolean): TopicMeaning {
    let prefixEnd = start;
    let left = this.#decisiveSegments;
    while (prefixEnd < end) {
      if (bytes[prefixEnd] === SLASH) {
        left -= 1;
        if (left === 0) break;
      }
      prefixEnd += 1;
    }
    // Latin-1 maps each byte to a character, so this is the cheapest key that no two topics share.
    const key = bytes.toString('latin1', start, prefixEnd);
    return this.#topics.get(key) ?? this.#read(key, bytes.subarray(start, prefixEnd), mayAdd);
  }

  /**
   * Forgets everything when there is too much of it. Only when no owner has open counts and no message is held: an
   * owner must not have two objects in one flush.
   */
  trim(): void {
    if (this.#topics.size < MAX_TOPICS && this.#owners.size < MAX_TOPICS) return;
    this.#topics.clear();
    this.#owners.clear();
  }

  #read(key: string, prefix: Buffer, mayAdd: boolean): TopicMeaning {
    const meaning = this.#meaningOf(prefix, mayAdd);
    if (meaning === OVERFLOW) return meaning;
    if (key.length <= MAX_CACHED_BYTES && this.#topics.size < MAX_TOPICS) {
      this.#topics.set(key, meaning);
    }
    return meaning;
  }

  #meaningOf(prefix: Buffer, mayAdd: boolean): TopicMeaning {
    if (!isUtf8(prefix)) return rejected('invalid_utf8');
    const owner = readTopic(this.#template, prefix.toString());
    if (typeof owner === 'string') return rejected(owner);
    const device = this.#perDevice ? (owner.device ?? '') : '';
    const { organization, project, outbound } = owner;
    const ownerKey = `${organization}/${project}/${device}`;
    const known = this.#owners.get(ownerKey);
    if (known !== undefined) return { owner: known, outbound, rejection: undefined };
    if (!mayAdd) return OVERFLOW;
    const counts = new OwnerCounts(organization, project, device);
    this.#owners.set(ownerKey, counts);
    return { owner: counts, outbound, rejection: undefined };
  }
}

const OVERFLOW = rejected('overflow');

function rejected(rejection: Rejection): TopicMeaning {
  return { owner: undefined, outbound: false, rejection };
}
