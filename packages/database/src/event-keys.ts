import { plainArray } from './array-parameter.ts';
import type { Transaction } from './pool.ts';

export interface EventClaim {
  readonly key: string;
  readonly fingerprint: string;
}

/**
 * Claims event keys, sorted: two batches with the same keys in another order would deadlock.
 *
 * Two statements on purpose: one that claims and classifies at once sees a key neither as fresh nor as existing while a
 * rival commits. A key that was taken in the first and is gone in the second was forgotten in between (400 days unseen),
 * and is claimed anew.
 *
 * @param claims without doubles.
 * @returns the fingerprint that holds each key which was *not* fresh. A key that is not in the result is ours now.
 */
export async function claimEventKeys(
  transaction: Transaction,
  claims: readonly EventClaim[],
  today: string,
): Promise<ReadonlyMap<string, string>> {
  // Nearly always all are fresh, and their keys need not travel back.
  const { rows: claimed } = await transaction.query<{ fresh: number; keys: string | null }>({
    name: 'claim-event-keys',
    text: `with fresh as (
     insert into event_keys (key, fingerprint, last_seen_on)
     select key, fingerprint, $3 from unnest($1::uuid[], $2::bigint[]) as c (key, fingerprint)
     order by key
     on conflict do nothing
     returning key)
     select count(*)::int as fresh, case when count(*) < cardinality($1) then string_agg(key::text, ' ') end as keys
     from fresh`,
    values: [
      plainArray(claims.map((claim) => claim.key)),
      plainArray(claims.map((claim) => claim.fingerprint)),
      today,
    ],
  });
  if (claimed[0]?.fresh === claims.length) return new Map();
  const ours = new Set(claimed[0]?.keys?.split(' '));
  const taken = claims.filter((claim) => !ours.has(claim.key)).map((claim) => claim.key);
  // Before they are read: a claim that is as old as claims get may be forgotten by maintenance at this moment, and one
  // that was seen today cannot.
  await transaction.query(
    `update event_keys set last_seen_on = $2
     where key in (
       select key from event_keys where key = any($1::uuid[]) and last_seen_on < $2 order by key for update
     )`,
    [taken, today],
  );
  const { rows } = await transaction.query<{ key: string; fingerprint: string }>(
    'select key, fingerprint from event_keys where key = any($1::uuid[])',
    [taken],
  );
  const holders = new Map(rows.map(({ key, fingerprint }) => [key, fingerprint]));
  const forgotten = claims.filter(({ key }) => !ours.has(key) && !holders.has(key));
  if (forgotten.length === 0) return holders;
  return new Map([...holders, ...(await claimEventKeys(transaction, forgotten, today))]);
}
