import {
  type AthenaClient,
  GetQueryExecutionCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import type { AwsTarget } from '@odometer/aws/aws-clients';
import { awsFailure } from '@odometer/aws/aws-error';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import type { AthenaTable } from '@odometer/domain/posthoc/athena-table';
import { CollectedRows } from '../collected-rows.ts';
import type { Execution, PosthocEngine, PosthocQuery } from '../engine.ts';
import { athenaQuery } from './athena-query.ts';
import { type QueryState, queryState } from './query-state.ts';
import { readResults } from './read-results.ts';

/**
 * An account has a few dozen queries at once for everybody (`Active DML queries`), and after an outage or a `lookback` hundreds
 * of windows want to be asked for.
 */
const MAX_EXECUTIONS = 5;

/** What may be otherwise when it is asked again, and says nothing of the query. A role's policy may be mended, too. */
const PASSING: readonly string[] = ['target_throttled', 'target_unavailable', 'target_denied'];

/**
 * Asks Athena. Its queries go on while workers come and go: nobody waits for one, whoever has its id reads the answer, and a
 * worker that stops leaves it running.
 *
 * @param connect makes a client, or gives the one that there is.
 * @param onWaste is told what a query has read, and is billed for, of which there will be no answer.
 */
export function createAthenaEngine(
  connect: (target: AwsTarget) => AthenaClient,
  onWaste: (scannedBytes: bigint) => void = () => {},
): PosthocEngine {
  return {
    maxExecutions: MAX_EXECUTIONS,

    async start(query, token, signal) {
      const { client, table, target } = reach(query, connect);
      const { text, parameters } = athenaQuery(query, table);
      const { outputLocation } = table;
      const command = new StartQueryExecutionCommand({
        QueryString: text,
        ExecutionParameters: [...parameters],
        // The same answer for whoever asks again; refused when the query is another one by now.
        ClientRequestToken: token,
        WorkGroup: table.workgroup,
        QueryExecutionContext: { Catalog: table.catalog, Database: table.database },
        ...(outputLocation === undefined
          ? {}
          : { ResultConfiguration: { OutputLocation: outputLocation } }),
        // An answer of before would be that of the logs of before.
        ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: false } },
      });
      const { QueryExecutionId } = await ask(target, client.send(command, { abortSignal: signal }));
      return QueryExecutionId ?? null;
    },

    async answer(query, execution, signal, sink) {
      const { client, table, target } = reach(query, connect);
      if (execution === null) throw invalid(target, 'it runs nowhere');
      let state: QueryState;
      try {
        const command = new GetQueryExecutionCommand({ QueryExecutionId: execution.id });
        const { QueryExecution = {} } = await ask(
          target,
          client.send(command, { abortSignal: signal }),
        );
        state = queryState(target, QueryExecution);
        if (state.is === 'succeeded') {
          const collected = new CollectedRows();
          const unmatchedLines = await ask(
            target,
            readResults(client, target, execution.id, signal, sink ?? collected),
          );
          return { ...collected.answer, unmatchedLines, scannedBytes: state.scannedBytes };
        }
      } catch (error) {
        signal.throwIfAborted();
        // The query is paid for: that it cannot be asked for now is no reason to ask another one.
        const isPassing = isOdometerError(error) && PASSING.includes(error.code);
        if (!isPassing || isLate(query, execution)) throw error;
        return { isRunning: true, trouble: error };
      }
      const { scannedBytes } = state;
      if (state.is === 'ended') {
        onWaste(scannedBytes);
        throw state.error;
      }
      const excess = excessOf(query, table, execution, scannedBytes);
      if (excess === undefined) return { isRunning: true };
      onWaste(scannedBytes);
      // Athena ends it after a while, too, if this should fail.
      await stopExecution(client, execution.id, signal).catch(() => undefined);
      throw invalid(target, excess);
    },

    async stop(query, executionId, signal) {
      const { client, target } = reach(query, connect);
      await ask(target, stopExecution(client, executionId, signal));
    },
  };
}

interface Reached {
  readonly client: AthenaClient;
  readonly table: AthenaTable;
  readonly target: string;
}

function reach({ metric }: PosthocQuery, connect: (target: AwsTarget) => AthenaClient): Reached {
  const target = `post-hoc metric ${metric.name}`;
  const { athena: table } = metric;
  if (table === undefined) throw invalid(target, 'it has no table of Athena');
  const { region, endpoint, roleArn, externalId } = table;
  return { client: connect({ region, endpoint, roleArn, externalId }), table, target };
}

/** With errors in our own words. */
async function ask<Answer>(target: string, asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    throw awsFailure(target, error);
  }
}

async function stopExecution(
  client: AthenaClient,
  executionId: string,
  signal: AbortSignal,
): Promise<void> {
  const command = new StopQueryExecutionCommand({ QueryExecutionId: executionId });
  await client.send(command, { abortSignal: signal });
}

function isLate({ metric }: PosthocQuery, { runningMs }: Execution): boolean {
  return runningMs > metric.timeoutSeconds * 1_000;
}

/** Why a query is stopped that still runs. */
function excessOf(
  query: PosthocQuery,
  { maxScannedBytes }: AthenaTable,
  execution: Execution,
  scannedBytes: bigint,
): string | undefined {
  if (isLate(query, execution)) return `it takes more than ${query.metric.timeoutSeconds} s`;
  if (maxScannedBytes !== undefined && scannedBytes > BigInt(maxScannedBytes)) {
    return `it reads more than ${maxScannedBytes} bytes`;
  }
  return undefined;
}

function invalid(target: string, reason: string): OdometerError {
  return new OdometerError('target_invalid', { target, reason });
}
