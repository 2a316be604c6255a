/**
 * The record of a close: what the rows of a final month were, in figures that anybody can work out again from them.
 * Figures are decimal text: they exceed what a JSON number holds. Hashes are sums of the rows' 64-bit hashes, so that they
 * do not depend on the order of the rows.
 */
export interface Manifest {
  readonly version: 1;
  readonly organization: string;
  /** `YYYY-MM` */
  readonly month: string;
  /** From when on usage of the month went to adjustments, RFC 3339. */
  readonly cutoff: string;
  readonly finalAt: string;
  /** Who did not want to wait, and why. */
  readonly forced: { readonly by: string; readonly reason: string } | null;
  /** By the meter's slug. */
  readonly meters: Readonly<Record<string, MeterFigures>>;
  readonly projects: {
    readonly rows: string;
    readonly overageCharge: string;
    readonly hash: string;
  };
  /** What limits of the organization's own scope made of the month. */
  readonly charges: {
    readonly lines: unknown;
    readonly exceededLimits: readonly string[];
    readonly overageCharge: string;
    readonly currency: string | null;
  };
  /** Late usage of earlier months that this month was billed for, by the meter's slug. */
  readonly adjustments: Readonly<Record<string, AdjustmentFigures>>;
  /** The plan as it was used: its version, limits and prices; null without one. */
  readonly plan: unknown;
}

export interface MeterFigures {
  /** Rows of usage_monthly. */
  readonly rows: string;
  readonly sum: string;
  readonly count: string;
  readonly lifetime: string;
  readonly hash: string;
  /** Rows of usage_hourly. */
  readonly hours: string;
  readonly hoursHash: string;
  readonly daysHash: string;
}

export interface AdjustmentFigures {
  readonly rows: string;
  readonly sum: string;
  readonly hash: string;
}
