import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AthenaColumn {
  readonly name: string;
  readonly type: string;
}

/** What a query answers; null is SQL's, and has no value on the wire. */
export interface AthenaResult {
  readonly columns: readonly AthenaColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** As `Status` of a query has it, and what it has read by then. */
export interface AthenaStatus {
  readonly State: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly StateChangeReason?: string;
  readonly AthenaError?: {
    readonly ErrorCategory?: number;
    readonly Retryable?: boolean;
    readonly ErrorMessage?: string;
  };
  readonly scannedBytes?: number;
}

export interface AthenaExecution {
  readonly id: string;
  readonly token: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly parameters: readonly string[];
  /** What it says when it is asked, one after another; the last one it says for ever. */
  statuses: readonly AthenaStatus[];
  result: AthenaResult;
  /** How often it was asked for its status. */
  looks: number;
}

interface Call {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What Athena answers with when it refuses; `hang` leaves the client without an answer. */
export type AthenaRefusal =
  | { readonly status: number; readonly type: string; readonly message?: string }
  | 'hang';

const SUCCEEDED: AthenaStatus = { State: 'SUCCEEDED', scannedBytes: 0 };
const ENDED = ['SUCCEEDED', 'FAILED', 'CANCELLED'];

/**
 * A server that speaks Athena's protocol (JSON 1.1), as far as post-hoc metrics need it. As Athena does, it knows queries by
 * their tokens, refuses one that comes again with another query, and answers in pages of at most 1,000 rows, of which the
 * first of the first page is the header.
 */
export class FakeAthena {
  readonly executions: AthenaExecution[] = [];
  readonly calls: Call[] = [];
  /** Told of each call before it is answered: may change what there is, or refuse. */
  onCall: (call: Call) => AthenaRefusal | undefined = () => undefined;
  /** What becomes of a query that is started. */
  onStart: (
    execution: AthenaExecution,
  ) => Partial<Pick<AthenaExecution, 'statuses' | 'result'>> | undefined = () => undefined;
  readonly #server = createServer((request, response) => {
    void this.#respond(request, response);
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  /** As if nothing had ever been asked. */
  forget(): void {
    this.executions.length = 0;
    this.calls.length = 0;
    this.onCall = () => undefined;
    this.onStart = () => undefined;
  }

  callsOf(operation: string): readonly Call[] {
    return this.calls.filter((call) => call.operation === operation);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const input = JSON.parse(Buffer.concat(chunks).toString()) as Readonly<Record<string, unknown>>;
    this.calls.push({ operation, input });
    const refusal = this.onCall({ operation, input });
    if (refusal === 'hang') return;
    const { status, body } =
      refusal === undefined ? this.#answer(operation, input) : refused(refusal);
    response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  }

  #answer(operation: string, input: Readonly<Record<string, unknown>>) {
    if (operation === 'StartQueryExecution') return this.#start(input);
    const execution = this.executions.find(({ id }) => id === input.QueryExecutionId);
    if (execution === undefined) {
      return invalidRequest(`QueryExecution ${input.QueryExecutionId} was not found`);
    }
    if (operation === 'GetQueryExecution') return { status: 200, body: describe(execution) };
    if (operation === 'GetQueryResults') return results(execution, input);
    if (operation === 'StopQueryExecution') {
      if (!ENDED.includes(statusOf(execution).State)) {
        execution.statuses = [
          { State: 'CANCELLED', StateChangeReason: 'Query was cancelled by user' },
        ];
      }
      return { status: 200, body: {} };
    }
    return refused({ status: 400, type: 'UnknownOperationException' });
  }

  #start(input: Readonly<Record<string, unknown>>) {
    const token = String(input.ClientRequestToken ?? '');
    if (token.length < 32 || token.length > 128) {
      return invalidRequest('ClientRequestToken should have 32 to 128 characters');
    }
    const text = String(input.QueryString);
    if (text.length > 262_144) return invalidRequest('QueryString is too long');
    const known = this.executions.find((execution) => execution.token === token);
    if (known !== undefined) {
      if (JSON.stringify(known.input) !== JSON.stringify(input)) {
        return invalidRequest('Idempotent parameters do not match');
      }
      return { status: 200, body: { QueryExecutionId: known.id } };
    }
    const parameters = (input.ExecutionParameters ?? []) as readonly string[];
    const execution: AthenaExecution = {
      id: `00000000-0000-4000-8000-${String(this.executions.length + 1).padStart(12, '0')}`,
      token,
      input,
      text,
      parameters,
      statuses: [SUCCEEDED],
      result: { columns: [], rows: [] },
      looks: 0,
    };
    const places = placesIn(text);
    if (places === parameters.length) {
      Object.assign(execution, this.onStart(execution));
    } else {
      const ErrorMessage = `Incorrect number of parameters: expected ${places} but found ${parameters.length}`;
      execution.statuses = [
        { State: 'FAILED', AthenaError: { ErrorCategory: 2, Retryable: false, ErrorMessage } },
      ];
    }
    this.executions.push(execution);
    return { status: 200, body: { QueryExecutionId: execution.id } };
  }
}

/** Question marks that are no text. */
function placesIn(text: string): number {
  const code = text.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g, '');
  return code.split('?').length - 1;
}

function statusOf({ statuses, looks }: AthenaExecution): AthenaStatus {
  return statuses[Math.min(Math.max(looks - 1, 0), statuses.length - 1)] ?? SUCCEEDED;
}

function describe(execution: AthenaExecution): object {
  execution.looks += 1;
  const { scannedBytes = 0, ...Status } = statusOf(execution);
  return {
    QueryExecution: {
      QueryExecutionId: execution.id,
      Query: execution.text,
      Status,
      Statistics: { DataScannedInBytes: scannedBytes },
    },
  };
}

function results(execution: AthenaExecution, input: Readonly<Record<string, unknown>>) {
  if (statusOf(execution).State !== 'SUCCEEDED') {
    return invalidRequest('Query has not yet finished.');
  }
  const { NextToken = '0', MaxResults = 1_000 } = input as {
    readonly NextToken?: string;
    readonly MaxResults?: number;
  };
  if (MaxResults > 1_000) return invalidRequest('MaxResults is more than maximum allowed length');
  const { columns, rows } = execution.result;
  const all = [columns.map(({ name }) => name), ...rows];
  const from = Number(NextToken);
  const to = from + MaxResults;
  return {
    status: 200,
    body: {
      UpdateCount: 0,
      ResultSet: {
        Rows: all.slice(from, to).map((row) => ({
          Data: row.map((value) => (value === null ? {} : { VarCharValue: value })),
        })),
        ResultSetMetadata: {
          ColumnInfo: columns.map(({ name, type }) => ({
            CatalogName: 'hive',
            SchemaName: '',
            TableName: '',
            Name: name,
            Label: name,
            Type: type,
            Precision: 0,
            Scale: 0,
            Nullable: 'UNKNOWN',
            CaseSensitive: type === 'varchar',
          })),
        },
      },
      ...(to < all.length ? { NextToken: String(to) } : {}),
    },
  };
}

function invalidRequest(message: string) {
  return refused({ status: 400, type: 'InvalidRequestException', message });
}

function refused({ status, type, message = `${type} of a test` }: Exclude<AthenaRefusal, 'hang'>) {
  return { status, body: { __type: type, Message: message, message } };
}
