import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';

const MINUTE_MS = 60_000;

/**
 * How long a query runs elsewhere, in a few words; empty when none does. It changes each minute until the query's time is over,
 * for as long as which nobody needs to worry.
 */
export function queryProgress(
  { timeoutSeconds }: Pick<PosthocDeclaration, 'timeoutSeconds'>,
  query: { readonly executionId: string | null; readonly runningMs: number | null } | undefined,
): string {
  if (query === undefined || query.executionId === null) return '';
  const minutes = Math.floor(Math.min(query.runningMs ?? 0, timeoutSeconds * 1_000) / MINUTE_MS);
  return `, its query runs for ${minutes} min`;
}
