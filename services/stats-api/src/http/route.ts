import type { Scope } from '@odometer/database/api-keys';
import type { Pool } from '@odometer/database/pool';
import type { JobCatalogue, QueueName } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Logger } from 'pino';
import type { ZodType } from 'zod';

/** What a handler works with. */
export interface ApiParts {
  /** Its statements are bounded in time. */
  readonly pool: Pool;
  readonly log: Logger;
  readonly nowMs: () => number;
  /**
   * Asks the worker for something. Returns when Redis has the job on its disk.
   *
   * @throws OdometerError `queue_unavailable`
   */
  readonly ask: <Name extends keyof JobCatalogue['periods'] & string>(
    name: Name,
    payload: JobCatalogue['periods'][Name],
    jobId: string,
  ) => Promise<void>;
  readonly queue: <Q extends QueueName>(name: Q) => JobQueue<Q>;
}

/** Whose key it is. */
export interface Caller {
  readonly keyId: string;
  readonly name: string;
  /** Slug of the only organization it may see; null: all. */
  readonly organization: string | null;
  readonly scopes: readonly Scope[];
}

export interface ApiRequest<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
  /** The `Accept` header. */
  readonly accept: string | undefined;
}

export type Answer =
  | { readonly status: 200 | 201 | 202; readonly json: unknown }
  | { readonly status: 200; readonly text: string; readonly contentType: string }
  | { readonly status: 204 };

export interface AnswerDocument {
  readonly description: string;
  readonly schema?: ZodType;
  /** @default application/json */
  readonly contentType?: string;
}

/**
 * One address of the API, as data: the server, the OpenAPI document and the documentation are made of the same.
 *
 * Schemas read what arrives. A query parameter arrives as text; where its schema says so it becomes a number or a boolean,
 * a list (repeated, `a=1&a=2`) or a record (`a[k]=1`). So the same schema reads a query and a body.
 */
export interface Route<P, Q, B> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** In express' syntax. */
  readonly path: string;
  readonly scope: Scope;
  readonly summary: string;
  readonly params?: ZodType<P>;
  /** An object; parameters that it does not name are refused. */
  readonly query?: ZodType<Q>;
  readonly body?: ZodType<B>;
  /** The good ones by status. Problems are the same everywhere and documented once. */
  readonly answers: Readonly<Record<number, AnswerDocument>>;
  readonly handle: (request: ApiRequest<P, Q, B>, parts: ApiParts) => Promise<Answer>;
}

export type AnyRoute = Route<unknown, unknown, unknown>;

/** Declares a route; its handler's types follow from its schemas. */
export function defineRoute<P, Q, B>(route: Route<P, Q, B>): AnyRoute {
  // The server hands a handler only what the route's own schemas have read.
  return route as unknown as AnyRoute;
}
