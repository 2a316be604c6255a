/** What is measured by asking for it. */
export type TargetKind = 'bucket' | 'registry' | 'reading' | 'cross_check';

/**
 * Why it is measured: with the hourly bell, or because somebody wants it. `retire` measures nothing: it takes out what was
 * counted of what is declared no more.
 */
export type Purpose = 'hourly' | 'asked' | 'backfill' | 'reconcile' | 'retire';
