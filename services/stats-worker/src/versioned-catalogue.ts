import { lockCatalogueShared } from '@odometer/database/advisory-locks';
import { catalogueVersion } from '@odometer/database/meters/catalogue';
import type { Transaction } from '@odometer/database/pool';

/**
 * What is declared, ready to be used: cached between transactions and checked in each. Under the shared catalogue lock the
 * version cannot change, so nothing is applied by a declaration that was changed before it.
 */
export class VersionedCatalogue<Content> {
  readonly #load: (transaction: Transaction, version: string) => Promise<Content>;
  #current: { readonly version: string; readonly content: Content } | undefined;

  constructor(load: (transaction: Transaction, version: string) => Promise<Content>) {
    this.#load = load;
  }

  /** What is valid until the transaction ends. */
  async forTransaction(transaction: Transaction): Promise<Content> {
    await lockCatalogueShared(transaction);
    const version = await catalogueVersion(transaction);
    if (this.#current?.version === version) return this.#current.content;
    const content = await this.#load(transaction, version);
    this.#current = { version, content };
    return content;
  }

  /** Another database may have another catalogue of the same version. */
  forget(): void {
    this.#current = undefined;
  }
}
