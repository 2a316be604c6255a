import type { CloseStatus } from '@odometer/database/periods/close-status';
import { reasonsToWait, storedHoldUps } from '@odometer/database/periods/hold-ups';
import {
  type ChargeLine,
  previewOrganizations,
  previewProjects,
} from '@odometer/database/periods/preview';
import { inTransaction, type Transaction } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import type { HoldUp } from '@odometer/domain/hold-up';
import { jsonFigure } from '@odometer/domain/json-figure';
import { monthEnd } from '@odometer/domain/period';
import { queuedBefore } from '@odometer/queues/queued-before';
import { monthText } from '../period-arguments.ts';
import { withPostgres } from '../postgres.ts';
import { startProgress } from '../progress.ts';
import { withQueues } from '../redis.ts';
import { concernedBy } from './concerned.ts';
import { previewUse, type UsedProject } from './preview-use.ts';

/** What an organization's month would come to. Charges in minor units. */
export interface PreviewedMonth {
  readonly organization: string;
  readonly state: CloseStatus['state'];
  /** What would hold its close up now. */
  readonly heldUpBy: readonly string[];
  /** When its grace is over; null when no worker has looked yet, or it does not matter any more. */
  readonly dueAt: Date | null;
  readonly projects: number;
  /** Of the organization's own limits. */
  readonly exceededLimits: readonly string[];
  readonly charges: readonly ChargeLine[];
  /** Of its own limits and those of its projects. */
  readonly overageCharge: number | string;
  readonly currency: string | null;
}

/** What a project's month would come to. */
export interface PreviewedUse extends Omit<UsedProject, 'overageCharge'> {
  readonly overageCharge: number | string;
}

export interface Preview {
  readonly month: string;
  /** Whether the month has not ended, so that all figures are as of now. */
  readonly isRunning: boolean;
  readonly organizations: readonly PreviewedMonth[];
  readonly projects: readonly PreviewedUse[];
}

/**
 * Works out what a close would make of a month now, in one read-only transaction.
 *
 * @throws OdometerError `month_final`, `month_empty`, `organization_not_found`.
 */
export async function previewClose(
  monthMs: number,
  organization: string | undefined,
): Promise<Preview> {
  const endMs = monthEnd(monthMs);
  const isRunning = endMs > Date.now();
  const month = monthText(monthMs);
  if (monthMs > Date.now()) throw new OdometerError('month_empty', { month, whom: 'anybody yet' });
  // What is in the queues now says nothing of a month that goes on; and the queues come first, as in hold-ups.ts.
  const queued = isRunning
    ? []
    : await withQueues((open) => queuedBefore([open('events'), open('counts')], endMs));
  return withPostgres((pool) =>
    inTransaction(pool, async (transaction) => {
      await transaction.query('set transaction isolation level repeatable read, read only');
      const concerned = await concernedBy(transaction, monthMs, organization);
      const unfinished = concerned.filter(({ state }) => state !== 'final');
      if (unfinished.length === 0) {
        throw new OdometerError('month_final', { month, whom: organization ?? 'everybody' });
      }
      const holdUps = [...queued, ...(await storedHoldUps(transaction, endMs))];
      return { month, isRunning, ...(await preview(transaction, monthMs, unfinished, holdUps)) };
    }),
  );
}

async function preview(
  transaction: Transaction,
  monthMs: number,
  unfinished: readonly CloseStatus[],
  holdUps: readonly HoldUp[],
): Promise<Pick<Preview, 'organizations' | 'projects'>> {
  const ids = unfinished.map(({ organizationId }) => organizationId);
  const own = new Map(
    (await previewOrganizations(transaction, monthMs, ids)).map((one) => [one.organization, one]),
  );
  const progress = startProgress();
  const projects = await previewProjects(transaction, monthMs, ids, (done) =>
    progress.tell(`${done} projects`),
  ).finally(() => progress.done());
  const charges = new Map<string, { readonly projects: number; readonly charge: bigint }>();
  for (const { organization, overageCharge } of projects) {
    const before = charges.get(organization) ?? { projects: 0, charge: 0n };
    const charge = before.charge + BigInt(overageCharge);
    charges.set(organization, { projects: before.projects + 1, charge });
  }
  const organizations = unfinished.map((status): PreviewedMonth => {
    const { organization, state, dueAt, isForced, heldUpBy } = status;
    const limits = own.get(organization);
    const ofProjects = charges.get(organization);
    const charge = BigInt(limits?.overageCharge ?? 0) + (ofProjects?.charge ?? 0n);
    return {
      organization,
      state,
      // One that is closing waits for nobody, unless it does not add up.
      heldUpBy: state === 'closing' ? heldUpBy : reasonsToWait(status, holdUps),
      dueAt: state === 'draft' && !isForced ? dueAt : null,
      projects: ofProjects?.projects ?? 0,
      exceededLimits: limits?.exceededLimits ?? [],
      charges: limits?.charges ?? [],
      overageCharge: jsonFigure(charge.toString()),
      currency: limits?.currency ?? null,
    };
  });
  const used = await previewUse(transaction, monthMs, ids, projects);
  return {
    organizations,
    projects: used.map((project) => ({
      ...project,
      overageCharge: jsonFigure(project.overageCharge),
    })),
  };
}
