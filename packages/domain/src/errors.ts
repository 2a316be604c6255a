/**
 * What went wrong, seen from whoever has to react; mapped to HTTP status, retry and alerting once, at each edge.
 *
 * - `invalid`: what was sent can never be accepted as it is.
 * - `unauthorized`: nobody we know. `forbidden`: known, but not allowed to.
 * - `not_found`, `conflict`: the request does not fit what is stored.
 * - `too_large`, `too_many`: a bound was exceeded.
 * - `unavailable`: something we depend on is away; the same request may succeed later.
 * - `bug`: cannot happen; somebody must look.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'too_many'
  | 'unavailable'
  | 'bug';

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** Whether doing exactly the same again can succeed without anybody changing anything. */
  readonly retry: boolean;
  /** A sentence with `{placeholders}`, which become the typed parameters of the error. */
  readonly message: string;
}

/**
 * The closed registry of expected failures, sorted by code. A code is a promise to whoever matches on it: never
 * rename one. docs/errors.md is generated from this table and a test holds it equal.
 */
export const ERRORS = {
  api_key_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no key {id} in force; `odometer keys list` shows all keys',
  },
  body_too_large: {
    kind: 'too_large',
    retry: false,
    message: 'the body is larger than {maxBytes} bytes',
  },
  broker_unsuitable: {
    kind: 'invalid',
    retry: false,
    message: 'the MQTT broker cannot be counted on: {reason}',
  },
  bucket_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no bucket {bucket} declared; `odometer buckets` shows them',
  },
  clock_behind: {
    kind: 'unavailable',
    retry: true,
    message: 'the month {month} is closed already: the clock of Postgres is behind',
  },
  close_unattended: {
    kind: 'unavailable',
    retry: true,
    message:
      'Redis has stopped answering. What is recorded of {month} stays, a --force with its reason included, and the close goes on with the next bell once Redis is back; `odometer periods list --month {month}` shows how far it is',
  },
  component_start_failed: {
    kind: 'unavailable',
    retry: true,
    message: '{component} did not start: {reason}',
  },
  config_invalid: {
    kind: 'invalid',
    retry: false,
    message: 'the configuration has {count} problem(s):\n{problems}',
  },
  day_not_ended: {
    kind: 'conflict',
    retry: true,
    message: 'the day {date} has not ended yet: days are those of UTC, and it is {now} there',
  },
  dead_letter_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no dead letter {id}; `odometer dead-letters list` shows them',
  },
  declaration_invalid: {
    kind: 'invalid',
    retry: false,
    message: '{file} has {count} problem(s), nothing was changed:\n{problems}',
  },
  device_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no device {device}',
  },
  event_still_poison: {
    kind: 'invalid',
    retry: false,
    message: 'the database refuses the event as before: {reason}',
  },
  events_not_confirmed: {
    kind: 'unavailable',
    retry: true,
    message:
      'storage did not confirm within {deadlineMs} ms; send the same events again, they count once',
  },
  ingest_unavailable: {
    kind: 'unavailable',
    retry: true,
    message: 'events cannot be made durable now: {reason}',
  },
  installation_forbidden: {
    kind: 'forbidden',
    retry: false,
    message: 'this API key is bound to an organization, and this is of the whole installation',
  },
  job_deadline_exceeded: {
    kind: 'unavailable',
    retry: true,
    message: 'job {jobId} of queue {queue} was not finished within {deadlineMs} ms',
  },
  job_failed: {
    kind: 'unavailable',
    retry: false,
    message:
      'the worker has failed for good at the job {jobId}: {reason}; `odometer dead-letters list` shows it',
  },
  job_payload_invalid: {
    kind: 'invalid',
    retry: false,
    message: 'the job carries no batch of this version: {path} {reason}',
  },
  job_unanswered: {
    kind: 'unavailable',
    retry: true,
    message:
      'nothing has happened for {minutes} minutes; check that a stats-worker runs. The job {jobId} stays in its queue, so there is no need to ask again',
  },
  key_unknown: {
    kind: 'unauthorized',
    retry: false,
    message: 'the API key is missing, unknown or revoked; send Authorization: Bearer <key>',
  },
  keys_not_loaded: {
    kind: 'unavailable',
    retry: true,
    message: 'the API keys have not been read from the database yet',
  },
  limit_meter_invalid: {
    kind: 'invalid',
    retry: false,
    message: 'no limit can be on {meter}: {reason}',
  },
  measurement_refused: {
    kind: 'conflict',
    retry: false,
    message: 'the measurement is not believed: {reason}',
  },
  measurement_taken_over: {
    kind: 'conflict',
    retry: false,
    message: 'another process goes on with measurement {measurement}',
  },
  meter_built_in: {
    kind: 'conflict',
    retry: false,
    message: 'meter {meter} is built in and stays as it is; create one under another slug',
  },
  meter_exists: {
    kind: 'conflict',
    retry: false,
    message: 'there is a meter {meter} already',
  },
  meter_in_use: {
    kind: 'conflict',
    retry: false,
    message: 'meter {meter} cannot be deleted: {use}',
  },
  meter_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no meter {meter}; `odometer meters list` shows all meters',
  },
  meter_owned: {
    kind: 'conflict',
    retry: false,
    message: '{reason}',
  },
  month_empty: {
    kind: 'not_found',
    retry: false,
    message: 'there is nothing in {month} for {whom}',
  },
  month_final: {
    kind: 'conflict',
    retry: false,
    message: '{month} is final for {whom} and never changes; what comes now becomes an adjustment',
  },
  month_not_ended: {
    kind: 'conflict',
    retry: true,
    message:
      'the month {month} has not ended yet and cannot be closed, not by force either; --dry-run shows what it would come to now',
  },
  month_not_final: {
    kind: 'conflict',
    retry: true,
    message: '{month} is not final for {whom}; `odometer periods list --month {month}` tells why',
  },
  no_progress: {
    kind: 'unavailable',
    retry: true,
    message: '{name}: {waiting} waiting and none finished for {stuckForMs} ms',
  },
  notification_refused: {
    kind: 'invalid',
    retry: false,
    message: 'the notification cannot be counted: {reason}',
  },
  organization_forbidden: {
    kind: 'forbidden',
    retry: false,
    message: 'this API key is bound to another organization',
  },
  organization_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no organization {organization}',
  },
  plan_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no plan {plan}; `odometer plans list` shows all plans',
  },
  postgres_unavailable: {
    kind: 'unavailable',
    retry: true,
    message:
      'Postgres does not answer ({reason}); check that it runs, and DATABASE_URL or PGHOST, PGPORT and PGUSER',
  },
  project_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no project {project}; `odometer projects list` shows all projects',
  },
  purge_not_as_shown: {
    kind: 'conflict',
    retry: false,
    message:
      '{deleted}, because what would be is no longer what was shown, or was shown with other filters; look again with `odometer purge-objects`',
  },
  query_invalid: {
    kind: 'invalid',
    retry: false,
    message: '{parameter}: {problem}',
  },
  query_too_slow: {
    kind: 'unavailable',
    retry: true,
    message: 'the answer takes longer than {timeoutMs} ms; ask for less at once, or later',
  },
  query_unanswerable: {
    kind: 'invalid',
    retry: false,
    message: 'meter {meter} cannot answer this: {reason}',
  },
  queue_unavailable: {
    kind: 'unavailable',
    retry: true,
    message: 'queue {queue} is not available: {reason}',
  },
  rate_limited: {
    kind: 'too_many',
    retry: true,
    message: 'this API key sends more than {eventsPerSecond} events per second',
  },
  redis_not_durable: {
    kind: 'invalid',
    retry: false,
    message: 'Redis would lose what was acknowledged: {reason}',
  },
  redis_not_ours: {
    kind: 'conflict',
    retry: false,
    message:
      'this Redis holds the jobs of another installation of Odometer: {key} in it is not the id of this Postgres; give each a Redis of its own, or, when the other’s Postgres is gone for good and its jobs may go, empty this one',
  },
  redis_unavailable: {
    kind: 'unavailable',
    retry: true,
    message: 'Redis does not answer ({reason}); check that it runs, and REDIS_URL',
  },
  request_invalid: {
    kind: 'invalid',
    retry: false,
    message: '{problems}',
  },
  reservation_id_taken: {
    kind: 'conflict',
    retry: false,
    message: 'the id {id} is of another reservation; take another id',
  },
  reservation_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is no reservation {id}',
  },
  route_not_found: {
    kind: 'not_found',
    retry: false,
    message: 'there is nothing at this address',
  },
  schema_mismatch: {
    kind: 'unavailable',
    retry: true,
    message:
      'the database schema is of another version: expected {expected} where it has {found}; run `odometer migrate`',
  },
  scope_missing: {
    kind: 'forbidden',
    retry: false,
    message: 'this API key lacks the scope {scope}',
  },
  session_taken_over: {
    kind: 'conflict',
    retry: false,
    message:
      'another process counts as {clientId} now; nothing is lost, but each counter needs a client id of its own',
  },
  shutdown_deadline_exceeded: {
    kind: 'unavailable',
    retry: true,
    message: 'still stopping {component} after {deadlineMs} ms',
  },
  smoke_failed: {
    kind: 'unavailable',
    retry: true,
    message: 'it could not be seen within {seconds} s that {what}: {reason}',
  },
  smoke_refused: {
    kind: 'invalid',
    retry: false,
    message: 'the test ended before {what}: {reason}',
  },
  storage_unavailable: {
    kind: 'unavailable',
    retry: true,
    message: 'what this needs is away at the moment; send the same request again',
  },
  target_denied: {
    kind: 'forbidden',
    retry: true,
    message: '{target} does not let us in: {reason}',
  },
  target_invalid: {
    kind: 'invalid',
    retry: true,
    message: '{target} answers what cannot be used: {reason}',
  },
  target_not_declared: {
    kind: 'not_found',
    retry: false,
    message: 'there is nothing declared to be measured by the name of {target}',
  },
  target_throttled: {
    kind: 'too_many',
    retry: true,
    message: '{target} wants to be asked less often: {reason}',
  },
  target_unavailable: {
    kind: 'unavailable',
    retry: true,
    message: '{target} does not answer: {reason}',
  },
  webhook_secret_missing: {
    kind: 'unavailable',
    retry: true,
    message: 'the secret of webhook {webhook} is not in the environment',
  },
  webhook_unauthorized: {
    kind: 'unauthorized',
    retry: false,
    message: 'the token or signature of the webhook is missing or wrong',
  },
  webhook_unknown: {
    kind: 'not_found',
    retry: false,
    message: 'there is no webhook of this name',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof ERRORS;

type PlaceholdersOf<Template extends string> =
  Template extends `${string}{${infer Name}}${infer Rest}` ? Name | PlaceholdersOf<Rest> : never;

/** The parameters of an error: one value for each placeholder of its message. */
export type ErrorParams<Code extends ErrorCode> = Readonly<
  Record<PlaceholdersOf<(typeof ERRORS)[Code]['message']>, string | number | bigint>
>;

/**
 * An expected failure. Anything else that is thrown is a bug.
 *
 * @example throw new OdometerError('component_start_failed', { component: 'redis', reason: 'refused' }, { cause });
 */
export class OdometerError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'OdometerError';
  readonly code: Code;
  readonly kind: ErrorKind;
  readonly retry: boolean;
  readonly params: ErrorParams<Code>;

  constructor(code: Code, params: ErrorParams<Code>, options?: { readonly cause?: unknown }) {
    const { kind, retry, message } = ERRORS[code];
    super(fillTemplate(message, params), options);
    this.code = code;
    this.kind = kind;
    this.retry = retry;
    this.params = params;
  }
}

/** Narrows a caught value, to one code when given. */
export function isOdometerError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is OdometerError<Code> {
  return error instanceof OdometerError && (code === undefined || error.code === code);
}

function fillTemplate(
  template: string,
  params: Readonly<Record<string, string | number | bigint>>,
): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    String(params[name] ?? placeholder),
  );
}
