import { listOrphans, type Orphan } from '@odometer/database/objects/orphans';
import type { Pool } from '@odometer/database/pool';
import type { ChosenOwners, OrphanFilter } from './chosen-owners.ts';

/** What S3 deletes at once, so that a page is a request. */
const ORPHANS_A_PAGE = 1_000;

/** Orphans of the chosen owners page by page, so that a million of them take no more memory than a thousand. */
export async function* orphanPages(
  pool: Pool,
  filter: OrphanFilter,
  owners: ChosenOwners,
): AsyncGenerator<readonly Orphan[]> {
  let after: Orphan | undefined;
  for (;;) {
    const page = await listOrphans(pool, {
      ...filter,
      ...(after === undefined ? {} : { after }),
      limit: ORPHANS_A_PAGE,
    });
    const chosen = page.filter((orphan) => owners.has(orphan));
    if (chosen.length > 0) yield chosen;
    if (page.length < ORPHANS_A_PAGE) return;
    after = page.at(-1);
  }
}
