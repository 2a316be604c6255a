import {
  lockMeterHours,
  lockUnattributedHour,
  readProjectHours,
} from '@odometer/database/measuring/hour-usage';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { addUnattributedUsage } from '@odometer/database/unattributed-usage';
import type { UsageRow } from '@odometer/database/usage';
import { formatQuantity, readDecimal, type Scaled } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import { monthStart, toTimestamp } from '@odometer/domain/period';
import type { MonthPartitions } from '../month-partitions.ts';
import type { RegistryCache } from '../registry-cache.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import type { UsageWriter } from './usage-writer.ts';

/** What one source says a project used in an hour; each name once. */
export interface HourValue {
  readonly organization: string;
  readonly project: string;
  /** Null: it does not know. What the hour has stays. */
  readonly value: Scaled | null;
}

export interface HourToSet {
  readonly meterId: number;
  /** Who the meter must belong to: nobody else writes its usage. */
  readonly owner: string;
  readonly hourMs: number;
  /** All there is: a project that is not in it used nothing. */
  readonly values: readonly HourValue[];
}

export interface SetParts {
  readonly pool: Pool;
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
  readonly registry: RegistryCache;
}

export interface SetOutcome {
  /** Projects and names whose hour was something else before. */
  readonly changed: number;
  /** Names without a project; their usage is kept until they have one. */
  readonly unattributed: number;
}

/**
 * Sets what an hour has of a meter, by writing the difference between what the source says and what is there: usage of the hour,
 * adjustments that name it, and what is kept for names without a project. So it may be repeated, and be done by two at once;
 * an hour of an open month is changed, and one of a closed month gets an adjustment, which may be negative.
 *
 * The count of an hour is 1, however often it is set: there was one statement about it.
 *
 * @param around work of the same transaction, before everything else and after it.
 * @throws OdometerError `measurement_refused`: the meter belongs to somebody else.
 */
export async function setUsage(
  parts: SetParts,
  hour: HourToSet,
  around: {
    readonly before: (transaction: Transaction) => Promise<void>;
    readonly after: (transaction: Transaction) => Promise<void>;
  },
): Promise<SetOutcome> {
  await parts.partitions.ensure(parts.pool, [monthStart(hour.hourMs)]);
  const { outcome, onCommit } = await retryConflicts(
    () =>
      inTransaction(parts.pool, async (transaction) => {
        await around.before(transaction);
        const written = await writeDifferences(parts, transaction, hour);
        await around.after(transaction);
        return written;
      }),
    () => {},
  );
  onCommit();
  return outcome;
}

async function writeDifferences(
  { usage, registry }: SetParts,
  transaction: Transaction,
  { meterId, owner, hourMs, values }: HourToSet,
): Promise<{ readonly outcome: SetOutcome; readonly onCommit: () => void }> {
  const hour = toTimestamp(hourMs);
  const periods = await usage.begin(transaction, [monthStart(hourMs)]);
  const found = await lockMeterHours(transaction, meterId);
  if (found !== owner) {
    throw new OdometerError('measurement_refused', {
      reason: `the meter belongs to ${found ?? 'nobody'}`,
    });
  }
  const resolution = await registry.resolve(transaction, values);
  const kept = new Map(
    (await lockUnattributedHour(transaction, meterId, hour)).map((row) => [nameOf(row), row]),
  );
  const current = new Map(
    (await readProjectHours(transaction, meterId, hour)).map((row) => [row.projectId, row]),
  );

  const usageRows: UsageRow[] = [];
  const nobodys: Parameters<typeof addUnattributedUsage>[1][number][] = [];
  const row = (difference: Scaled, isNew: boolean) => ({
    meterId,
    hour,
    sum: formatQuantity(difference),
    count: isNew ? 1 : 0,
    // Of one statement about an hour, which may be corrected downwards, there is no least and no last.
    min: null,
    max: null,
    last: null,
    lastAt: null,
  });
  let unattributed = 0;
  for (const { value, ...name } of values) {
    const waiting = kept.get(nameOf(name));
    kept.delete(nameOf(name));
    const project = resolution.project(name.organization, name.project);
    if (project === undefined) {
      if (value === null) continue;
      unattributed += 1;
      const difference = value - scaled(waiting?.sum);
      if (difference !== 0n) {
        nobodys.push({ ...name, device: '', ...row(difference, waiting === undefined) });
      }
      continue;
    }
    const has = current.get(project.projectId);
    current.delete(project.projectId);
    if (value === null) continue;
    // What waits for the project comes to it as it is.
    const difference = value - scaled(has?.sum) - scaled(waiting?.sum);
    if (difference === 0n) continue;
    const { projectId, organizationId } = project;
    const isNew = has === undefined && waiting === undefined;
    usageRows.push({ projectId, organizationId, ...row(difference, isNew) });
  }
  // What the source does not name used nothing.
  for (const { projectId, organizationId, sum } of current.values()) {
    if (scaled(sum) === 0n) continue;
    usageRows.push({ projectId, organizationId, ...row(-scaled(sum), false) });
  }
  for (const { organization, project, sum } of kept.values()) {
    if (scaled(sum) === 0n) continue;
    nobodys.push({ organization, project, device: '', ...row(-scaled(sum), false) });
  }

  const remember = await periods.add(usageRows);
  await addUnattributedUsage(transaction, nobodys);
  return {
    outcome: { changed: usageRows.length + nobodys.length, unattributed },
    onCommit: () => {
      resolution.publish();
      remember();
    },
  };
}

/** Names hold no slash. */
function nameOf(name: { readonly organization: string; readonly project: string }): string {
  return `${name.organization}/${name.project}`;
}

function scaled(sum: string | undefined): Scaled {
  return sum === undefined ? 0n : readDecimal(sum);
}
