import { createHash } from 'node:crypto';
import { bucketsToMap, listBuckets } from '@odometer/database/objects/buckets';
import {
  listDeletedOwners,
  newestDeletedOwner,
  type OwnerFilter,
} from '@odometer/database/objects/deleted-owners';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { InvalidArgumentError } from 'commander';

const OWNERS_A_PAGE = 10_000;
const DIGEST_DIGITS = 16;
const TOKEN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)\.[0-9a-f]{16}$/;

/** Of which orphans: all, or those of certain owners or in a bucket. */
export interface OrphanFilter extends OwnerFilter {
  readonly bucketId?: number;
}

export type OwnerName = Readonly<Record<'projectId' | 'objectType' | 'objectId', string>>;

/** The deleted owners that somebody looks at, or has looked at. */
export interface ChosenOwners {
  /**
   * Until when they were said to be deleted, and a digest of them and of how the buckets are declared. The same as long as
   * it is those and no others, however many of their objects are gone already. Undefined: there are none.
   */
  readonly token: string | undefined;
  has(owner: OwnerName): boolean;
  /** Whether keys still mean what they did: ask after a page was read, and before it is deleted. */
  isMeaningUnchanged(): Promise<boolean>;
}

/** @throws InvalidArgumentError */
export function purgeToken(text: string): string {
  if (TOKEN.test(text)) return text;
  throw new InvalidArgumentError('It should be what `odometer purge-objects` has shown.');
}

/** All owners of the filter that are said to be deleted now. */
export async function chooseOwners(pool: Pool, filter: OrphanFilter): Promise<ChosenOwners> {
  const newest = await newestDeletedOwner(pool, filter);
  if (newest !== undefined) return read(pool, filter, newest);
  return { token: undefined, has: () => false, isMeaningUnchanged: async () => true };
}

/**
 * The owners that were shown, and nobody who was added since.
 *
 * @throws OdometerError `purge_not_as_shown`: one of them was taken back, or told of late, or the buckets are declared otherwise,
 *   or keys are being mapped at this moment: nobody knows what would be deleted.
 */
export async function chooseShownOwners(
  pool: Pool,
  filter: OrphanFilter,
  token: string,
): Promise<ChosenOwners> {
  const [, upTo = ''] = TOKEN.exec(token) ?? [];
  const owners = await read(pool, filter, upTo);
  const mapping = (await bucketsToMap(pool)).filter(isMeant(filter));
  if (owners.token === token && mapping.length === 0) return owners;
  throw new OdometerError('purge_not_as_shown', { deleted: 'nothing was deleted' });
}

async function read(pool: Pool, filter: OrphanFilter, upTo: string): Promise<ChosenOwners> {
  const digest = createHash('sha256');
  const note = (...values: readonly unknown[]) => digest.update(`${JSON.stringify(values)}\n`);
  const meaning = await meaningOfKeys(pool, filter);
  note(meaning);
  // All of them, not only those who have objects: of these there are fewer after an interruption.
  const names = new Set<string>();
  for (let after: OwnerName | undefined; ; ) {
    const page = await listDeletedOwners(pool, { ...filter, upTo, after, limit: OWNERS_A_PAGE });
    for (const owner of page) {
      names.add(nameOf(owner));
      note(nameOf(owner), owner.recordedAt);
    }
    if (page.length < OWNERS_A_PAGE) break;
    after = page.at(-1);
  }
  return {
    token: `${upTo}.${digest.digest('hex').slice(0, DIGEST_DIGITS)}`,
    has: (owner) => names.has(nameOf(owner)),
    isMeaningUnchanged: async () => (await meaningOfKeys(pool, filter)) === meaning,
  };
}

/** How the buckets are declared, and which are being mapped: whose an object is follows from it. */
async function meaningOfKeys(pool: Pool, filter: OrphanFilter): Promise<string> {
  const mapping = new Set((await bucketsToMap(pool)).map(({ id }) => id));
  const meant = (await listBuckets(pool)).filter(isMeant(filter));
  return JSON.stringify(meant.map(({ id, declaration }) => [id, declaration, mapping.has(id)]));
}

function nameOf({ projectId, objectType, objectId }: OwnerName): string {
  return JSON.stringify([projectId, objectType, objectId]);
}

function isMeant({ bucketId }: OrphanFilter): (bucket: { readonly id: number }) => boolean {
  return ({ id }) => bucketId === undefined || id === bucketId;
}
