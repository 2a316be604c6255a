/**
 * How long after its window a run is kept, in days. What was found out, and when, explains a bill as corrections do: a year, and a
 * month to notice. The next revision is compared with it, so that an older window cannot be asked for.
 */
export const POSTHOC_RUN_DAYS = 400;
