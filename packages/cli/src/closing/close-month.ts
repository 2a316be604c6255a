import {
  type CloseStatus,
  countProjectsOfMonth,
  readCloseStatus,
} from '@odometer/database/periods/close-status';
import { draftEndedMonths, endedMonths } from '@odometer/database/periods/due-closes';
import { forceClose } from '@odometer/database/periods/force-close';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { trustedNow } from '@odometer/database/trusted-now';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import { monthEnd, toTimestamp } from '@odometer/domain/period';
import { actor } from '../actor.ts';
import { askPeriods } from '../ask-periods.ts';
import { monthText } from '../period-arguments.ts';
import { withPostgres } from '../postgres.ts';
import { type OpenQueue, withQueues } from '../redis.ts';
import { waitForJob } from '../wait-for-job.ts';
import { concernedBy } from './concerned.ts';

export interface CloseWish {
  readonly monthMs: number;
  readonly organization: string | undefined;
  /** Why it is forced; undefined when it is not. */
  readonly reason: string | undefined;
}

/** What became of an organization's month. */
export interface ClosedMonth {
  readonly organization: string;
  readonly month: string;
  readonly state: CloseStatus['state'];
  readonly closedProjects: number;
  /** Minor units. */
  readonly overageCharge: number | string;
  readonly currency: string | null;
  readonly heldUpBy: readonly string[];
  readonly withinGraceUntil: Date | null;
}

/**
 * Asks the worker to close a month that has ended, and waits until every organization it concerns is final, held up, or
 * known to be within its grace.
 *
 * @throws OdometerError `month_not_ended`, `month_empty`, `month_final`, `organization_not_found`, `close_unattended`;
 *   those of waitForJob.
 */
export async function closeMonth(wish: CloseWish): Promise<readonly ClosedMonth[]> {
  const { monthMs, organization } = wish;
  const month = monthText(monthMs);
  if (monthEnd(monthMs) > Date.now()) throw new OdometerError('month_not_ended', { month });
  // First of all the connection to Redis: what is forced should not wait for the next hour.
  return withQueues((open) =>
    withPostgres(async (pool) => {
      await prepare(pool, wish);
      await attend(month, async () => {
        const jobId = await askPeriods(open, 'close-month', { month, part: 0 });
        await waitForClose({ open, pool, jobId, monthMs, organization });
      });
      const closed = await readCloseStatus(pool, monthMs, organization);
      return closed.map((status) => closedMonth(month, status));
    }),
  );
}

/** Once the wish is recorded, a Redis that goes away does not undo it: whoever forced it should not think so. */
async function attend(month: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isAway =
      isOdometerError(error, 'queue_unavailable') || isOdometerError(error, 'redis_unavailable');
    throw isAway ? new OdometerError('close_unattended', { month }, { cause: error }) : error;
  }
}

/** Drafts what has ended, since no worker may have done so yet, and forces the drafts when that is wanted. */
async function prepare(pool: Pool, { monthMs, organization, reason }: CloseWish): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    // By Postgres' clock as well: an operator's machine that is ahead would have the running month closed.
    const nowMs = await trustedNow(transaction);
    if (monthEnd(monthMs) > nowMs) {
      throw new OdometerError('month_not_ended', { month: monthText(monthMs) });
    }
    const ended = await endedMonths(transaction, nowMs);
    await draftEndedMonths(transaction, ended, toTimestamp(nowMs));
    const concerned = await concernedBy(transaction, monthMs, organization);
    if (concerned.every(({ state }) => state === 'final')) {
      const [month, whom] = [monthText(monthMs), organization ?? 'everybody'];
      throw new OdometerError('month_final', { month, whom });
    }
    if (reason === undefined) return;
    const organizationIds = concerned.map(({ organizationId }) => organizationId);
    await forceClose(transaction, { monthMs, organizationIds, actor: actor(), reason });
  });
}

async function waitForClose(asked: {
  readonly open: OpenQueue;
  readonly pool: Pool;
  readonly jobId: string;
  readonly monthMs: number;
  readonly organization: string | undefined;
}): Promise<void> {
  const { open, pool, jobId, monthMs, organization } = asked;
  const concerned = await readCloseStatus(pool, monthMs, organization);
  const ids = concerned.map(({ organizationId }) => organizationId);
  const projects = await countProjectsOfMonth(pool, monthMs, ids);
  await waitForJob({ pool, queue: open('periods') }, jobId, async (isGone) => {
    const now = await readCloseStatus(pool, monthMs, organization);
    const unsettled = now.filter((status) => !isSettled(status, isGone));
    const closed = now.reduce((sum, { closedProjects }) => sum + closedProjects, 0);
    return {
      isDone: unsettled.length === 0,
      progress: `closing ${monthText(monthMs)}: ${closed} of ${projects} projects, ${unsettled.length} of ${now.length} organizations to go`,
    };
  });
}

/** What a draft says of itself is of an older look, until the job that was asked for has looked. */
function isSettled(status: CloseStatus, isGone: boolean): boolean {
  if (status.state === 'final' || status.state === 'open')
    return status.state === 'final' || isGone;
  return isGone && (status.heldUpBy.length > 0 || graceOf(status) !== null);
}

function graceOf({ state, dueAt, isForced }: CloseStatus): Date | null {
  return state === 'draft' && !isForced && dueAt !== null && dueAt.getTime() > Date.now()
    ? dueAt
    : null;
}

function closedMonth(month: string, status: CloseStatus): ClosedMonth {
  const { organization, state, closedProjects, overageCharge, currency, heldUpBy } = status;
  return {
    organization,
    month,
    state,
    closedProjects,
    overageCharge: jsonFigure(overageCharge),
    currency,
    heldUpBy,
    withinGraceUntil: graceOf(status),
  };
}
