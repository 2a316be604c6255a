import type { AnswerRow } from '@odometer/database/posthoc/believe-answer';
import { formatQuantity, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';
import { answerRowKey } from '@odometer/domain/posthoc/posthoc-event';
import { isSlug } from '@odometer/domain/slug';
import type { AnswerSink, EngineAnswer, EngineColumn } from './engines/engine.ts';
import { dimensionOf, type Places, placesOf, quantityOf } from './read-row.ts';

/** What an answer may be once its rows are added up: one for each project, perhaps for each of its routes. */
export interface AnswerBounds {
  readonly rows: number;
  /** Of the texts of their dimensions. */
  readonly characters: number;
}

/** With what is made of it, some 200 MB. */
const BOUNDS: AnswerBounds = { rows: 200_000, characters: 50_000_000 };

/** Value of every dimension of the row that stands for many. */
const OTHERS = '(others)';

export interface ReadAnswer {
  /** Each key once, its value as decimal text; rows of 0 are nothing. */
  readonly rows: readonly AnswerRow[];
  /** Rows that are left out, and said: of names that can be none, and of projects nobody has registered when there are too many. */
  readonly unnamed: bigint;
  /** Projects whose rows are one, because they were too many. */
  readonly merged: number;
  /** There were too many, and those of projects that nobody had registered at this instant are left out. */
  readonly registeredAt: Date | undefined;
  /** Rows that the engine answered. */
  readonly answered: number;
}

/** Which projects there are. */
export interface Registry {
  /** An instant that lies back so far that `registered` always answers the same of it. */
  settledInstant(): Promise<Date>;
  /** Which of these names, `organization/project`, were registered then. */
  registered(names: readonly string[], at: Date): Promise<readonly string[]>;
}

interface Sum extends Omit<AnswerRow, 'value'> {
  readonly name: string;
  readonly characters: number;
  sum: Scaled;
  answered: bigint;
}

/**
 * Reads what a metric's query answers, piece by piece; rows of one key add up. It is believed as a whole or not at all.
 *
 * Paths and names in logs are what anybody sends, and nobody may keep the others' usage from being counted. So of an answer that
 * is too large, the rows of projects that nobody has registered are left out. If that is not enough, those of the projects that
 * have most of them become one each: their usage is counted, and only its dimensions are lost.
 */
export class AnswerReader implements AnswerSink {
  readonly #metric: PosthocDeclaration;
  readonly #registry: Registry;
  readonly #bounds: AnswerBounds;
  #places: Places | undefined;
  #sums = new Map<string, Sum>();
  #characters = 0;
  #unnamed = 0n;
  #answered = 0;
  /** Once there were too many: the registered ones, as far as they are known. Others are left out. */
  #registered: Set<string> | undefined;
  /** By which they are: whoever is registered while rows are read is not counted from the middle. */
  #registeredAt: Date | undefined;
  #merged = new Set<string>();

  constructor(metric: PosthocDeclaration, registry: Registry, bounds = BOUNDS) {
    this.#metric = metric;
    this.#registry = registry;
    this.#bounds = bounds;
  }

  /** @throws OdometerError `target_invalid` */
  begin(columns: readonly EngineColumn[]): void {
    this.#places = placesOf(this.#metric, columns);
    this.#sums = new Map();
    this.#characters = 0;
    this.#unnamed = 0n;
    this.#answered = 0;
    this.#registered = undefined;
    this.#registeredAt = undefined;
    this.#merged = new Set();
  }

  /** @throws OdometerError `target_invalid` */
  async add(rows: EngineAnswer['rows']): Promise<void> {
    const places = this.#places;
    if (places === undefined) throw new Error('rows came before their columns');
    this.#answered += rows.length;
    if (this.#registered !== undefined)
      await this.#learn(rows.map((row) => this.#name(row, places)));
    for (const row of rows) this.#addRow(row, places);
    if (this.#isFull(1)) await this.#makeRoom();
  }

  result(): ReadAnswer {
    const rows = [...this.#sums.values()]
      .filter(({ sum }) => sum !== 0n)
      .map(({ rowKey, organization, project, dimensions, sum }) => {
        return { rowKey, organization, project, dimensions, value: formatQuantity(sum) };
      });
    return {
      rows,
      unnamed: this.#unnamed,
      merged: this.#merged.size,
      registeredAt: this.#registeredAt,
      answered: this.#answered,
    };
  }

  /** Empty when it can be none. */
  #name(row: EngineAnswer['rows'][number], at: Places): string {
    const organization =
      at.organization === undefined ? this.#metric.organization : (row[at.organization] ?? '');
    const project = row[at.project] ?? '';
    return isSlug(organization) && isSlug(project) ? `${organization}/${project}` : '';
  }

  #addRow(row: EngineAnswer['rows'][number], at: Places): void {
    const name = this.#name(row, at);
    if (name === '' || this.#registered?.has(name) === false) {
      this.#unnamed += 1n;
      return;
    }
    const value = quantityOf(this.#metric, name, row[at.value] ?? null);
    const isMerged = this.#merged.has(name);
    this.#sum(
      name,
      at.dimensions.map(([dimension, place]) => [
        dimension,
        isMerged ? OTHERS : dimensionOf(row[place] ?? null),
      ]),
      value,
      1n,
    );
  }

  #sum(
    name: string,
    entries: readonly (readonly [string, string | null])[],
    value: Scaled,
    answered: bigint,
  ): void {
    const [organization = '', project = ''] = name.split('/');
    const dimensions = Object.fromEntries(entries);
    const rowKey = answerRowKey({ organization, project, dimensions });
    const found = this.#sums.get(rowKey);
    if (found !== undefined) {
      found.sum += value;
      found.answered += answered;
      return;
    }
    const characters = entries.reduce((all, [, text]) => all + (text?.length ?? 0), 0);
    this.#characters += characters;
    const key = { rowKey, organization, project, dimensions };
    this.#sums.set(rowKey, { ...key, name, characters, sum: value, answered });
  }

  /** Whether it is more than that part of what it may be. */
  #isFull(part: number): boolean {
    const { rows, characters } = this.#bounds;
    return this.#sums.size > rows * part || this.#characters > characters * part;
  }

  async #makeRoom(): Promise<void> {
    if (this.#registered === undefined) {
      this.#registered = new Set();
      this.#registeredAt = await this.#registry.settledInstant();
      await this.#learn([...this.#sums.values()].map(({ name }) => name));
      for (const sum of this.#sums.values()) {
        if (this.#registered.has(sum.name)) continue;
        this.#remove(sum);
        this.#unnamed += sum.answered;
      }
    }
    if (this.#isFull(1)) this.#mergeLargest();
    if (!this.#isFull(1)) return;
    throw new OdometerError('target_invalid', {
      target: `post-hoc metric ${this.#metric.name}`,
      reason: `the answer has more than ${this.#bounds.rows} rows`,
    });
  }

  /** Makes half of the room free if it can, so that this is not done for every row. */
  #mergeLargest(): void {
    const byName = new Map<string, Sum[]>();
    for (const sum of this.#sums.values()) {
      const ofName = byName.get(sum.name);
      if (ofName === undefined) byName.set(sum.name, [sum]);
      else ofName.push(sum);
    }
    const weight = (sums: readonly Sum[]) =>
      sums.reduce(
        (all, { characters }) => all + 1 / this.#bounds.rows + characters / this.#bounds.characters,
        0,
      );
    const largest = [...byName]
      .filter(([, sums]) => sums.length > 1)
      .map(([name, sums]) => ({ name, sums, weight: weight(sums) }))
      .sort((a, b) => b.weight - a.weight);
    for (const { name, sums } of largest) {
      if (!this.#isFull(0.5)) return;
      this.#merged.add(name);
      for (const sum of sums) this.#remove(sum);
      for (const { dimensions, sum, answered } of sums) {
        const entries = Object.keys(dimensions).map((dimension) => [dimension, OTHERS] as const);
        this.#sum(name, entries, sum, answered);
      }
    }
  }

  #remove({ rowKey, characters }: Sum): void {
    this.#sums.delete(rowKey);
    this.#characters -= characters;
  }

  async #learn(names: readonly string[]): Promise<void> {
    const [known, at] = [this.#registered, this.#registeredAt];
    if (known === undefined || at === undefined) return;
    const unknown = [...new Set(names)].filter((name) => name !== '' && !known.has(name));
    if (unknown.length === 0) return;
    for (const name of await this.#registry.registered(unknown, at)) known.add(name);
  }
}
