import { lockClose } from '@odometer/database/advisory-locks';
import { planAsUsed, writeOrganizationCharges } from '@odometer/database/limits/charges';
import type { Discrepancy } from '@odometer/database/periods/close-projects';
import { beginClosing, noteHoldUps } from '@odometer/database/periods/due-closes';
import { freezeMonth, resumeClosing } from '@odometer/database/periods/freeze-month';
import {
  finishableOrganizations,
  readRowFigures,
  writeManifests,
} from '@odometer/database/periods/manifest';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import type { Manifest } from '@odometer/domain/manifest';
import { monthEnd, toTimestamp } from '@odometer/domain/period';
import type { AnyQueue } from '@odometer/queues/dead-letter';
import { closeSomeProjects } from './close-projects.ts';
import { computeDrafts } from './compute-drafts.ts';
import { sortDrafts } from './hold-ups.ts';

/** Manifests a transaction writes. */
const ORGANIZATIONS_A_CHUNK = 1_000;

export interface CloseParts {
  readonly pool: Pool;
  /** The queues that carry usage. */
  readonly usageQueues: readonly AnyQueue[];
  /** From a month's end until it may be closed. */
  readonly graceMs: number;
}

export interface CloseProgress {
  /** Organizations that began to close. */
  readonly begun: number;
  readonly projects: number;
  /** Organizations whose month became final. */
  readonly finished: number;
  readonly heldUp: number;
  /** Projects whose month is not the sum of its hours: a bug, or somebody has edited rows. */
  readonly discrepancies: readonly Discrepancy[];
}

const NOTHING: CloseProgress = {
  begun: 0,
  projects: 0,
  finished: 0,
  heldUp: 0,
  discrepancies: [],
};

/**
 * Closes a month for every organization that is ready, as far as `signal` lets it; called again, it goes on. Each
 * organization's month is on its own:
 *
 *   draft ──ready──▶ closing ──projects in chunks──▶ all frozen ──manifest──▶ final
 *
 * The flip takes the month's lock exclusively, a moment. From then on nobody writes to these hours, so everything after
 * is computed without a lock, and a kill loses one chunk.
 */
export async function closeMonth(
  parts: CloseParts,
  monthMs: number,
  nowMs: number,
  signal: AbortSignal,
): Promise<CloseProgress> {
  const { pool } = parts;
  if (monthEnd(monthMs) > nowMs) return NOTHING;
  const startedMs = performance.now();
  // When it happens, and not when the job began: the cutoff is what an adjustment was too late for.
  const now = () => toTimestamp(nowMs + Math.floor(performance.now() - startedMs));
  const { ready, reasons } = await sortDrafts(parts, monthMs, nowMs, parts.graceMs);
  await noteHoldUps(pool, monthMs, reasons, parts.graceMs);
  const begun =
    ready.length === 0
      ? 0
      : await inTransaction(pool, (transaction) =>
          beginClosing(transaction, monthMs, ready, now()),
        );
  await resumeClosing(pool, monthMs);
  await computeDrafts(pool, monthMs, signal);

  let projects = 0;
  const discrepancies: Discrepancy[] = [];
  for (;;) {
    signal.throwIfAborted();
    const some = await closeSomeProjects(pool, monthMs);
    if (some === undefined) break;
    projects += some.closed;
    discrepancies.push(...some.discrepancies);
  }

  let finished = 0;
  await freezeMonth(pool, monthMs);
  for (;;) {
    signal.throwIfAborted();
    const some = await inTransaction(pool, (transaction) =>
      finishSome(transaction, monthMs, now()),
    );
    if (some === 0) break;
    finished += some;
  }
  return { begun, projects, finished, heldUp: reasons.size, discrepancies };
}

/** Writes the manifests of some organizations whose projects are all closed. */
async function finishSome(transaction: Transaction, monthMs: number, now: string): Promise<number> {
  await lockClose(transaction, monthMs);
  const organizations = await finishableOrganizations(transaction, monthMs, ORGANIZATIONS_A_CHUNK);
  const ids = organizations.map(({ id }) => id);
  if (ids.length === 0) return 0;
  await writeOrganizationCharges(transaction, { month: monthMs, organizationIds: ids });
  const figures = await readRowFigures(transaction, monthMs, ids);
  const plans = await planAsUsed(transaction, monthMs, ids);
  const manifests = new Map<string, Manifest>();
  for (const { id, slug, closingAt, forced } of organizations) {
    const ofRows = figures.get(id);
    if (ofRows === undefined) throw new Error(`organization ${id} has no period to finish`);
    manifests.set(id, {
      version: 1,
      organization: slug,
      month: toTimestamp(monthMs).slice(0, 7),
      cutoff: closingAt.toISOString(),
      finalAt: now,
      forced,
      ...ofRows,
      plan: plans.get(id) ?? null,
    });
  }
  await writeManifests(transaction, monthMs, manifests, now);
  return ids.length;
}
