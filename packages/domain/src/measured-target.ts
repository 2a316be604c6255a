/** What is measured by asking for it. */
export type TargetKind = 'bucket' | 'registry' | 'reading' | 'cross_check';

/** Why it is measured: with the hourly bell, or because somebody wants it. */
export type Purpose = 'hourly' | 'asked' | 'backfill' | 'reconcile';
