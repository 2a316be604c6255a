import { Socket } from 'node:net';
import { OdometerError } from '@odometer/domain/errors';
import pg from 'pg';

/** A query against a database that is not ours. */
export interface ForeignQuery {
  /** What errors call it. */
  readonly target: string;
  readonly url: string;
  /** Positional parameters; one statement. */
  readonly text: string;
  readonly values: readonly string[];
  readonly timeoutMs: number;
  /** More rows are refused, not cut off. */
  readonly maxRows: number;
  /** Longer texts are cut off after these characters: few rows can be gigabytes, and all of them are in our memory at once. */
  readonly maxCharacters: number;
  /** Looks at the columns before any row is asked for. @throws OdometerError when they are not what they should be. */
  readonly checkColumns: (columns: readonly ForeignColumn[]) => void;
  readonly signal: AbortSignal;
}

export interface ForeignColumn {
  readonly name: string;
  readonly typeOid: number;
}

export interface ForeignRows {
  readonly columns: readonly ForeignColumn[];
  /** Everything as the database writes it: text, or null. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** The role could change something, if a read-only transaction let it. */
  readonly roleMayWrite: boolean;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** The database's own timeout comes first, and tells more. */
const ANSWER_GRACE_MS = 2_000;
/** Waiting for somebody's lock would hold up whoever waits behind us. */
const LOCK_TIMEOUT_MS = 1_000;
/** For a clean farewell; then the connection is cut. */
const FAREWELL_MS = 1_000;

/**
 * Reads what a query says, on a connection of its own, in a transaction that cannot write, within the time given, whatever
 * the other side does. A role that is superuser is refused: a read-only transaction keeps it from little.
 *
 * @throws OdometerError `target_unavailable`, `target_throttled`, `target_denied`, `target_invalid`
 */
export async function readForeignQuery(query: ForeignQuery): Promise<ForeignRows> {
  query.signal.throwIfAborted();
  if (!/^postgres(ql)?:/.test(query.url) || !URL.canParse(query.url)) {
    throw invalid(query, 'its address is none of Postgres: postgres://role:password@host/database');
  }
  // Our own, so that it can be cut whatever pg waits for.
  const socket = new Socket();
  const cut = () => {
    socket.destroy();
  };
  query.signal.addEventListener('abort', cut, { once: true });
  let client: pg.Client | undefined;
  try {
    client = new pg.Client({
      connectionString: query.url,
      application_name: 'odometer reading',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: query.timeoutMs + ANSWER_GRACE_MS,
      stream: () => socket,
    });
    // What is under way rejects besides.
    client.on('error', () => {});
    await client.connect();
    return await readOnly(client, query);
  } catch (error) {
    query.signal.throwIfAborted();
    throw failureOf(query, error);
  } finally {
    query.signal.removeEventListener('abort', cut);
    const timer = setTimeout(cut, FAREWELL_MS);
    // A connection that never came into being has nothing to end.
    await Promise.race([
      client?.end().catch(() => {}),
      new Promise<void>((resolve) => socket.once('close', () => resolve())),
      new Promise<void>((resolve) => setTimeout(resolve, FAREWELL_MS)),
    ]);
    clearTimeout(timer);
    cut();
  }
}

async function readOnly(client: pg.Client, query: ForeignQuery): Promise<ForeignRows> {
  await client.query(
    `begin read only;
     set local statement_timeout = ${query.timeoutMs};
     set local lock_timeout = ${LOCK_TIMEOUT_MS};
     set local idle_in_transaction_session_timeout = ${query.timeoutMs};
     set local timezone = 'UTC'`,
  );
  const roleMayWrite = await checkRole(client, query.target);
  // Nothing of it is run.
  const { fields } = await client.query(arrayQuery(query, 'select *', 0));
  const columns = fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID }));
  query.checkColumns(columns);
  const bounded = columns.map(({ name }) => {
    const column = pg.escapeIdentifier(name);
    return `left(reading.${column}::text, ${query.maxCharacters}) as ${column}`;
  });
  // One row more tells that there are more.
  const { rows } = await client.query<(string | null)[]>(
    arrayQuery(query, `select ${bounded.join(', ')}`, query.maxRows + 1),
  );
  await client.query('rollback');
  if (rows.length > query.maxRows) {
    throw invalid(query, `it has more than ${query.maxRows} rows`);
  }
  return { columns, rows, roleMayWrite };
}

function arrayQuery(
  { text, values }: ForeignQuery,
  select: string,
  limit: number,
): pg.QueryArrayConfig & { readonly queryMode: 'extended' } {
  return {
    // In brackets, so that only what reads can stand there.
    text: `${select} from (\n${text}\n) as reading limit ${limit}`,
    values: [...values],
    rowMode: 'array',
    types: { getTypeParser: () => (text: string) => text },
    // The simple protocol takes many statements at once, and one of them could end the transaction.
    queryMode: 'extended',
  };
}

/** @returns whether the role could write. @throws OdometerError `target_denied`: it is a superuser. */
async function checkRole(client: pg.Client, target: string): Promise<boolean> {
  const { rows } = await client.query<{ superuser: boolean; writer: boolean }>(
    `select
       exists (select from pg_roles where rolname in (current_user, session_user) and rolsuper) as superuser,
       exists (
         select from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
           and has_table_privilege(c.oid, 'insert, update, delete, truncate')
       ) as writer`,
  );
  const [role] = rows;
  if (role?.superuser !== false) {
    throw new OdometerError('target_denied', {
      target,
      reason: 'its role is a superuser, so we do not use it; give us one that may only read',
    });
  }
  return role.writer;
}

function invalid({ target }: ForeignQuery, reason: string): OdometerError {
  return new OdometerError('target_invalid', { target, reason });
}

/** By SQLSTATE; without one the connection has failed. No cause: pg hangs the address, password included, on some errors. */
function failureOf(query: ForeignQuery, error: unknown): unknown {
  if (error instanceof OdometerError) return error;
  const { target, timeoutMs } = query;
  const reason = error instanceof Error ? error.message || error.name : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === '57014' || reason === 'Query read timeout') {
    return new OdometerError('target_unavailable', {
      target,
      reason: `no answer within ${timeoutMs / 1_000} s`,
    });
  }
  if (/^53/.test(code)) return new OdometerError('target_throttled', { target, reason });
  if (/^28|^42501$|^0L|^0P/.test(code)) {
    return new OdometerError('target_denied', { target, reason });
  }
  if (code === '25006') return invalid(query, `it wants to write: ${reason}`);
  if (/^(3D|3F|42|22|21|23|25|P0|0A|26|34|54)/.test(code)) return invalid(query, reason);
  return new OdometerError('target_unavailable', { target, reason });
}
