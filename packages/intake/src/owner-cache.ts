import { type Owner, parseSubject } from '@odometer/domain/subject';
import { Refusal } from './refusal.ts';

/** Some 2 MB. Most traffic comes from far fewer subjects; beyond, it starts anew. */
const MAX_SUBJECTS = 10_000;

/**
 * What subjects name, remembered: reading one takes three matches of a Unicode expression, a third of the validation of
 * an event, and the same subjects come again and again. Pure, so it can never be stale.
 */
export class OwnerCache {
  /** Default organization → subject → what it names. */
  readonly #owners = new Map<string, Map<string, Owner>>();
  #size = 0;

  /** @returns the owner, or why the subject names none. */
  read(subject: string, defaultOrganization: string): Owner | Refusal {
    let subjects = this.#owners.get(defaultOrganization);
    if (subjects === undefined) {
      subjects = new Map();
      this.#owners.set(defaultOrganization, subjects);
    }
    const known = subjects.get(subject);
    if (known !== undefined) return known;
    const parsed = parseSubject(subject, defaultOrganization);
    // What is wrong is not remembered: hostile subjects would push out the others.
    if (typeof parsed === 'string') return new Refusal('subject', parsed);
    if (this.#size >= MAX_SUBJECTS) {
      this.#owners.clear();
      this.#size = 0;
      return parsed;
    }
    subjects.set(subject, parsed);
    this.#size += 1;
    return parsed;
  }
}
