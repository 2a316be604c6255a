import { listOrphans, type Orphan } from '@odometer/database/objects/orphans';
import type { Pool } from '@odometer/database/pool';

/** What S3 deletes at once, so that a page is a request. */
const ORPHANS_A_PAGE = 1_000;

/** Of which orphans: all, or those of a project or a bucket. */
export interface OrphanFilter {
  readonly projectId?: string;
  readonly bucketId?: number;
}

/** Orphans page by page, so that a million of them take no more memory than a thousand. */
export async function* orphanPages(
  pool: Pool,
  filter: OrphanFilter,
): AsyncGenerator<readonly Orphan[]> {
  let after: Orphan | undefined;
  for (;;) {
    const page = await listOrphans(pool, {
      ...filter,
      ...(after === undefined ? {} : { after }),
      limit: ORPHANS_A_PAGE,
    });
    if (page.length > 0) yield page;
    if (page.length < ORPHANS_A_PAGE) return;
    after = page.at(-1);
  }
}
