import type { PullJob } from './catalogue.ts';

/** However often a log is asked for, its job waits once. What somebody asks for has one of its own. */
export function pullJobId({ log, asked }: PullJob): string {
  return asked === true ? `pull.${log}.asked` : `pull.${log}`;
}

/**
 * With the first windows of post-hoc metrics, one after another. Without a turn they would come before all of these, and two logs
 * with much to read would keep every window waiting.
 */
export const PULL_TURN = 1;
