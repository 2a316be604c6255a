import { addMessageUsage, type MessageUsage } from '@odometer/database/message-usage';
import { addAdjustments } from '@odometer/database/periods/adjustments';
import { type ChangedDay, markChangedDays } from '@odometer/database/periods/changed-days';
import { closedFor, lockPeriods, type PeriodsNow } from '@odometer/database/periods/closed-months';
import { draftPeriods } from '@odometer/database/periods/draft-periods';
import type { Transaction } from '@odometer/database/pool';
import { addUsage, type UsageRow } from '@odometer/database/usage';
import { OdometerError } from '@odometer/domain/errors';
import { monthStart, toTimestamp } from '@odometer/domain/period';
import { messageUsageRows } from './message-usage-rows.ts';
import { RememberedMarks } from './remembered-marks.ts';

/** Rows by where they were written to. */
type Written = Record<'open' | 'adjustments', number>;

/** What becomes of usage whose month is closed: billed in an open month, or dropped, when it was never to be billed. */
export type LateUsage = 'adjust' | 'drop';

/**
 * The one way by which usage gets into hours and months. Whoever applies usage begins here, before anything else is locked,
 * and writes through what it gets: usage of an open month is added to it and its day is marked as changed; usage of a
 * month that is closed for its organization becomes an adjustment and changes nothing that is closed.
 */
export class UsageWriter {
  /** Rows that were committed, for `collect()`. */
  readonly written: Written = { open: 0, adjustments: 0 };
  readonly #marks = new RememberedMarks();

  /** @param monthsMs all months the transaction may write usage to. */
  async begin(transaction: Transaction, monthsMs: Iterable<number>): Promise<PeriodUsage> {
    const periods = await lockPeriods(transaction, monthsMs);
    return new PeriodUsage(transaction, periods, this.#marks, this.written);
  }

  /** A new connection may lead to a database in which what is remembered is not there. */
  forget(): void {
    this.#marks.forget();
  }
}

/** Writes usage in one transaction. */
export class PeriodUsage {
  readonly #transaction: Transaction;
  readonly #periods: PeriodsNow;
  /** The month in which late usage is billed: by Postgres' clock, for that of a worker may be wrong. */
  readonly #currentMs: number;
  readonly #marks: RememberedMarks;
  readonly #written: Written;

  constructor(
    transaction: Transaction,
    periods: PeriodsNow,
    marks: RememberedMarks,
    written: Written,
  ) {
    this.#transaction = transaction;
    this.#periods = periods;
    this.#currentMs = monthStart(periods.nowMs);
    this.#marks = marks;
    this.#written = written;
  }

  /** Postgres' clock when the transaction began, milliseconds. */
  get nowMs(): number {
    return this.#periods.nowMs;
  }

  /**
   * Adds usage, one row per project, meter and hour.
   *
   * @returns what to call after the commit.
   * @throws OdometerError `clock_behind`: the month in which late usage would be billed is closed.
   */
  async add(rows: readonly UsageRow[], late: LateUsage = 'adjust'): Promise<() => void> {
    const { open, closed } = await this.#split(rows);
    await addUsage(this.#transaction, open);
    const adjusted = late === 'adjust' ? closed : [];
    await this.#adjust(adjusted);
    return this.#opened(open, adjusted.length);
  }

  /** Those of the rows whose month is closed for their organization. */
  async late<Row extends Placed>(rows: readonly Row[]): Promise<readonly Row[]> {
    return (await this.#split(rows)).closed;
  }

  /** The same for messages: one row per project and hour. */
  async addMessages(rows: readonly MessageUsage[]): Promise<() => void> {
    const { open, closed } = await this.#split(rows);
    await addMessageUsage(this.#transaction, open);
    const adjusted = closed.flatMap(messageUsageRows);
    await this.#adjust(adjusted);
    return this.#opened(open, adjusted.length);
  }

  async #split<Row extends Placed>(
    rows: readonly Row[],
  ): Promise<{ readonly open: readonly Row[]; readonly closed: readonly Row[] }> {
    const { closedMonths } = this.#periods;
    if (closedMonths.size === 0) return { open: rows, closed: [] };
    const open: Row[] = [];
    const closed: Row[] = [];
    for (const [monthMs, ofMonth] of groupByMonth(rows)) {
      if (!closedMonths.has(monthMs)) {
        open.push(...ofMonth);
        continue;
      }
      const organizations = [...new Set(ofMonth.map(({ organizationId }) => organizationId))];
      const isClosedFor = await closedFor(this.#transaction, monthMs, organizations);
      for (const row of ofMonth) (isClosedFor.has(row.organizationId) ? closed : open).push(row);
    }
    return { open, closed };
  }

  async #adjust(rows: readonly UsageRow[]): Promise<void> {
    if (rows.length === 0) return;
    const month = toTimestamp(this.#currentMs);
    const isOfNow = rows.some((row) => Date.parse(row.hour) >= this.#currentMs);
    if (isOfNow || (await this.#isClosedForAny(this.#currentMs, rows))) {
      throw new OdometerError('clock_behind', { month: month.slice(0, 7) });
    }
    await addAdjustments(this.#transaction, rows, month);
  }

  async #isClosedForAny(monthMs: number, rows: readonly Placed[]): Promise<boolean> {
    if (!this.#periods.closedMonths.has(monthMs)) return false;
    const organizations = [...new Set(rows.map(({ organizationId }) => organizationId))];
    return (await closedFor(this.#transaction, monthMs, organizations)).size > 0;
  }

  async #opened(rows: readonly Placed[], adjustments: number): Promise<() => void> {
    const { round } = this.#periods;
    const days = unmarkedDays(rows, (day) => this.#marks.has(round, day));
    await markChangedDays(this.#transaction, round, days);
    await this.#draftEnded(rows);
    return () => {
      this.#marks.add(round, days);
      this.#written.open += rows.length;
      this.#written.adjustments += adjustments;
    };
  }

  /** A month that has ended before it had any usage of an organization is closed for it like any other. */
  async #draftEnded(rows: readonly Placed[]): Promise<void> {
    const ended = new Map<string, { organizationId: string; month: string }>();
    for (const { organizationId, hour } of rows) {
      const hourMs = Date.parse(hour);
      if (hourMs >= this.#currentMs) continue;
      const month = toTimestamp(monthStart(hourMs));
      ended.set(`${organizationId} ${month}`, { organizationId, month });
    }
    await draftPeriods(this.#transaction, [...ended.values()], toTimestamp(this.nowMs));
  }
}

interface Placed {
  readonly projectId: string;
  readonly organizationId: string;
  /** RFC 3339, UTC. */
  readonly hour: string;
}

function groupByMonth<Row extends Placed>(
  rows: readonly Row[],
): ReadonlyMap<number, readonly Row[]> {
  const months = new Map<number, Row[]>();
  for (const row of rows) {
    const monthMs = monthStart(Date.parse(row.hour));
    const found = months.get(monthMs);
    if (found === undefined) months.set(monthMs, [row]);
    else found.push(row);
  }
  return months;
}

function unmarkedDays(
  rows: readonly Placed[],
  isMarked: (day: ChangedDay) => boolean,
): readonly ChangedDay[] {
  const days = new Map<string, ChangedDay>();
  for (const { projectId, hour } of rows) {
    const day = { projectId, day: hour.slice(0, 10) };
    if (!isMarked(day)) days.set(`${projectId} ${day.day}`, day);
  }
  return [...days.values()];
}
