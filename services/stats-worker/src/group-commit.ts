/**
 * Groups work that arrives one by one into transactions: while one transaction runs, what arrives waits and becomes the
 * next. So the busier the database, the larger the groups, and one project touched by a hundred flushes is written once.
 *
 * States of an item: waiting → in a running group → settled. A group that fails through one of its items is applied again
 * item by item, so that each is settled by its own outcome and none fails for another's sake.
 */
export interface GroupCommitOptions<Item> {
  /** Applies a group in one transaction; when it throws, nothing of the group happened. */
  readonly apply: (items: readonly Item[]) => Promise<void>;
  readonly weight: (item: Item) => number;
  /** A group takes items until their weights reach this; a heavier item goes alone. */
  readonly maxWeight: number;
  readonly maxConcurrentGroups: number;
  /**
   * How long to wait after a group that took `durationMs`, while more arrives for the next. Longer rests make fewer and
   * larger transactions; they delay what waits, and nothing else. There is none while a whole group waits.
   */
  readonly restMs: (durationMs: number) => number;
  /** Whether a failed group is to be applied again item by item, because the fault may lie with one of them. */
  readonly isItemsFault: (error: unknown) => boolean;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>;
  readonly #waiting: Waiting<Item>[] = [];
  #running = 0;

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options;
  }

  /** Resolves when the transaction that holds the item has committed; rejects when it has not. */
  submit(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      // After the current turn: jobs that a worker hands over together then share a group.
      setImmediate(() => this.#startGroups());
    });
  }

  #startGroups(): void {
    while (this.#running < this.#options.maxConcurrentGroups && this.#waiting.length > 0) {
      const group = this.#takeGroup();
      const startedAtMs = performance.now();
      this.#running += 1;
      void this.#run(group).finally(() => {
        const durationMs = performance.now() - startedAtMs;
        const restMs = this.#isGroupWaiting() ? 0 : this.#options.restMs(durationMs);
        if (restMs > 0) setTimeout(() => this.#rested(), restMs);
        else this.#rested();
      });
    }
  }

  #rested(): void {
    this.#running -= 1;
    this.#startGroups();
  }

  /** Whether no more can join the next group. */
  #isGroupWaiting(): boolean {
    const { weight, maxWeight } = this.#options;
    return this.#waiting.reduce((sum, { item }) => sum + weight(item), 0) >= maxWeight;
  }

  #takeGroup(): readonly Waiting<Item>[] {
    let weight = 0;
    let length = 0;
    for (const { item } of this.#waiting) {
      weight += this.#options.weight(item);
      if (length > 0 && weight > this.#options.maxWeight) break;
      length += 1;
    }
    return this.#waiting.splice(0, length);
  }

  async #run(group: readonly Waiting<Item>[]): Promise<void> {
    try {
      await this.#options.apply(group.map(({ item }) => item));
    } catch (error) {
      if (group.length > 1 && this.#options.isItemsFault(error)) {
        for (const alone of group) await this.#run([alone]);
        return;
      }
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { resolve } of group) resolve();
  }
}
