import type { QueryExecution } from '@aws-sdk/client-athena';
import { OdometerError } from '@odometer/domain/errors';

/** The category of failures that are Athena's own. */
const SYSTEM_ERROR = 1;

export type QueryState = (
  | {
      /** RUNNING may turn into QUEUED again, and what is new one day may come to an end, too. */
      readonly is: 'running' | 'succeeded';
    }
  /** There will be no answer. */
  | { readonly is: 'ended'; readonly error: OdometerError }
) & {
  /** As they are stored; Athena bills them, also of queries that end without an answer. */
  readonly scannedBytes: bigint;
};

/**
 * What has become of a query. That it has ended is `target_unavailable` when another attempt may have an answer with everything
 * as it is, `target_invalid` when somebody has to change something first.
 */
export function queryState(target: string, { Status, Statistics }: QueryExecution): QueryState {
  const { State, StateChangeReason, AthenaError } = Status ?? {};
  const scannedBytes = BigInt(Statistics?.DataScannedInBytes ?? 0);
  const said = AthenaError?.ErrorMessage ?? StateChangeReason ?? 'no reason is told';
  if (State === 'FAILED') {
    const { Retryable, ErrorCategory } = AthenaError ?? {};
    const code =
      Retryable === true || ErrorCategory === SYSTEM_ERROR
        ? 'target_unavailable'
        : 'target_invalid';
    const reason = `the query failed: ${said}`;
    return { is: 'ended', error: new OdometerError(code, { target, reason }), scannedBytes };
  }
  if (State === 'CANCELLED') {
    // By the limit of a workgroup, which the next attempt would meet, too; or by somebody.
    const code = /bytes scanned/i.test(said) ? 'target_invalid' : 'target_unavailable';
    const reason = `the query was cancelled: ${said}`;
    return { is: 'ended', error: new OdometerError(code, { target, reason }), scannedBytes };
  }
  return { is: State === 'SUCCEEDED' ? 'succeeded' : 'running', scannedBytes };
}
