import type { ZoneClock } from '@odometer/domain/windows/time-zone';
import type { WindowSize } from '@odometer/domain/windows/windows';
import type { QueriedMeter } from './queried-meter.ts';
import type { StringFilter } from './string-filter.ts';

/** A question about a meter's usage. */
export interface MeterQuery {
  readonly meter: QueriedMeter;
  /** Slug of the only organization that may be seen; null: all. */
  readonly organization: string | null;
  /** Half-open; null: without end. Whole seconds. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Null: one row for the whole range. */
  readonly window: { readonly size: WindowSize; readonly clock: ZoneClock } | null;
  /** Filters and groups; null: everybody's usage. */
  readonly subjects: readonly NamedSubject[] | null;
  /** Slugs; null: all. */
  readonly organizations: readonly string[] | null;
  readonly groupBy: readonly Grouping[];
  /** A filter on the value of each dimension that is named. */
  readonly filters: readonly (readonly [dimension: string, StringFilter])[];
}

/** A subject that was asked for: what it is called in the answer, and what it names. */
export interface NamedSubject {
  readonly label: string;
  readonly organization: string;
  readonly project: string;
  readonly device?: string | undefined;
}

/** By what rows are told apart: the event's subject, its organization, or one of the meter's dimensions. */
export type Grouping =
  | { readonly by: 'subject' }
  | { readonly by: 'organization' }
  | { readonly by: 'dimension'; readonly name: string };

export interface MeterQueryRow {
  /** Decimal text, exact, without trailing zeros. */
  readonly value: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly subject: string | null;
  readonly organization: string | null;
  /** Dimension → its value as text; null where events have none. */
  readonly groupBy: Readonly<Record<string, string | null>>;
}
