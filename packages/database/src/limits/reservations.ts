import { formatQuantity } from '@odometer/domain/decimal';
import { OdometerError } from '@odometer/domain/errors';
import { toTimestamp } from '@odometer/domain/period';
import { lockLimit } from '../advisory-locks.ts';
import { inTransaction, type Pool, type Queryable, type Transaction } from '../pool.ts';
import { checkLimit, type LimitAnswer, type LimitQuestion } from './check-limit.ts';

/**
 * Room that somebody has asked for and not used yet.
 *   open → released (by the usage that carries its id, or by hand) or expired (its time is over; nobody writes that)
 */
export type ReservationState = 'open' | 'released' | 'expired';

export interface Reservation {
  readonly id: string;
  readonly expiresAtMs: number;
  readonly state: ReservationState;
}

export interface ReserveAnswer extends LimitAnswer {
  /** Undefined when it is refused: then nothing is stored, and the same id may be used again. */
  readonly reservation: Reservation | undefined;
}

/**
 * Reserves room under all hard limits of a resource, or refuses. Those that ask for the same resource of one organization
 * do so one after another, and what is used and reserved is read in one statement once it is ours: together they never get
 * more than is included. Without a hard limit the answer is always yes.
 *
 * Asking again with the same id answers the same, however often and whatever has become of it.
 *
 * @param request.id a UUID of the asker's.
 * @throws OdometerError as `checkLimit`; `reservation_id_taken` when the id is of something else.
 */
export async function reserve(
  pool: Pool,
  request: LimitQuestion & { readonly id: string; readonly expiresInSeconds: number },
  nowMs: number,
): Promise<ReserveAnswer> {
  return inTransaction(pool, async (transaction) => {
    await lockLimit(transaction, `${request.organization}/${request.resource}`);
    const answer = await checkLimit(transaction, request, nowMs);
    const { organizationId, projectId } = answer;
    const same = await findReservation(transaction, request.id, nowMs);
    if (same !== undefined) {
      const isSame =
        same.organizationId === organizationId &&
        same.projectId === projectId &&
        same.resource === request.resource &&
        same.quantity === formatQuantity(request.quantity);
      if (!isSame) throw new OdometerError('reservation_id_taken', { id: request.id });
      return { ...answer, allowed: true, reservation: same };
    }
    if (!answer.allowed) return { ...answer, reservation: undefined };
    const expiresAtMs = nowMs + request.expiresInSeconds * 1_000;
    const { rowCount } = await transaction.query(
      `insert into limit_reservations (id, organization_id, project_id, resource, quantity, created_at, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`,
      [
        request.id,
        organizationId,
        projectId,
        request.resource,
        formatQuantity(request.quantity),
        toTimestamp(nowMs),
        toTimestamp(expiresAtMs),
      ],
    );
    // Taken since we looked: by somebody under another lock, so for something else.
    if (rowCount === 0) throw new OdometerError('reservation_id_taken', { id: request.id });
    return { ...answer, reservation: { id: request.id, expiresAtMs, state: 'open' } };
  });
}

interface StoredReservation extends Reservation {
  readonly organizationId: string;
  readonly projectId: string | null;
  readonly resource: string;
  readonly quantity: string;
}

async function findReservation(
  db: Queryable,
  id: string,
  nowMs: number,
): Promise<StoredReservation | undefined> {
  const { rows } = await db.query<
    Omit<StoredReservation, 'expiresAtMs' | 'state'> & { expires_at: Date; is_released: boolean }
  >(
    `select id, organization_id as "organizationId", project_id as "projectId", resource,
       trim_scale(quantity)::text as quantity, expires_at, released_at is not null as is_released
     from limit_reservations where id = $1`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { expires_at, is_released, ...reservation } = row;
  const expiresAtMs = expires_at.getTime();
  const state = is_released ? 'released' : expiresAtMs > nowMs ? 'open' : 'expired';
  return { ...reservation, expiresAtMs, state };
}

/**
 * Gives back what is not going to be used. Safe to repeat.
 *
 * @param organization whose reservation it must be; null: anybody's.
 * @returns false when there is none.
 */
export async function releaseReservation(
  db: Queryable,
  id: string,
  organization: string | null,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with wanted as (
       select r.id from limit_reservations r join organizations o on o.id = r.organization_id
       where r.id = $1 and ($2::text is null or o.slug = $2)
     ), released as (
       update limit_reservations r set released_at = $3, released_by = 'hand'
       from wanted where r.id = wanted.id and r.released_at is null
     )
     select from wanted`,
    [id, organization, toTimestamp(nowMs)],
  );
  return rowCount === 1;
}

/** A reservation that usage names, and the slug of the organization whose usage it is. */
export interface UsedReservation {
  readonly organization: string;
  readonly id: string;
}

/**
 * Releases the reservations that usage carries the ids of, in the transaction that counts it: everybody sees the
 * reservation or the usage, never both and never neither. Only an organization's own; any other id does nothing.
 * Expired ones too, which frees nothing and tells that the usage came after all.
 *
 * @param used ids must be UUIDs.
 */
export async function releaseUsedReservations(
  transaction: Transaction,
  used: readonly UsedReservation[],
): Promise<void> {
  if (used.length === 0) return;
  await transaction.query(
    // In order: two appliers that carry the same ids would deadlock otherwise.
    `with ours as (
       select r.id
       from unnest($1::text[], $2::uuid[]) as u (organization, id)
       join organizations o on o.slug = u.organization
       join limit_reservations r on r.id = u.id and r.organization_id = o.id
       where r.released_at is null
       order by r.id
       for no key update of r
     )
     update limit_reservations r set released_at = now(), released_by = 'usage'
     from ours where r.id = ours.id and r.released_at is null`,
    [used.map(({ organization }) => organization), used.map(({ id }) => id)],
  );
}

/** Rows a statement: a few milliseconds, so that a stop never waits. */
const FORGET_AT_ONCE = 5_000;

/**
 * Forgets reservations that were released or expired long ago. Their ids may then be used again.
 *
 * @returns how many; fewer than there are when the signal ends it.
 */
export async function forgetReservations(
  db: Queryable,
  endedBeforeMs: number,
  signal: AbortSignal,
): Promise<number> {
  let forgotten = 0;
  while (!signal.aborted) {
    const { rowCount } = await db.query(
      `delete from limit_reservations where id = any (array(
         select id from limit_reservations where least(released_at, expires_at) < $1 limit ${FORGET_AT_ONCE}
       ))`,
      [toTimestamp(endedBeforeMs)],
    );
    forgotten += rowCount ?? 0;
    if ((rowCount ?? 0) < FORGET_AT_ONCE) break;
  }
  return forgotten;
}
