import { compareKeys } from '@odometer/domain/objects/key-order';
import type { StoredVersion } from './stored-version.ts';

const NONE: readonly StoredVersion[] = [];

/** What lies in a bucket, by key, the newest version first. */
export class VersionsByKey {
  readonly #byKey = new Map<string, readonly StoredVersion[]>();
  /** Undefined since a key came or went: sorting at every page of a listing would make it quadratic. */
  #sortedKeys: readonly string[] | undefined;

  keys(): readonly string[] {
    this.#sortedKeys ??= [...this.#byKey.keys()].sort(compareKeys);
    return this.#sortedKeys;
  }

  of(key: string): readonly StoredVersion[] {
    return this.#byKey.get(key) ?? NONE;
  }

  /** Becomes the newest. There is only one null version, which a new one replaces. */
  add(version: StoredVersion): void {
    const others = this.of(version.key).filter((each) => each.version !== version.version);
    this.#set(version.key, [version, ...others]);
  }

  replaceNewest(version: StoredVersion): void {
    this.#set(version.key, [version, ...this.of(version.key).slice(1)]);
  }

  /** @returns whether it was there. */
  remove(key: string, version: string): boolean {
    const before = this.of(key);
    const after = before.filter((each) => each.version !== version);
    if (after.length === before.length) return false;
    this.#set(key, after);
    return true;
  }

  #set(key: string, versions: readonly StoredVersion[]): void {
    if (versions.length > 0 !== this.#byKey.has(key)) this.#sortedKeys = undefined;
    if (versions.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, versions);
  }
}
