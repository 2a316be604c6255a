import type { Scaled } from '../decimal.ts';
import type { LimitScope } from './resource.ts';

/** A limit and what is used of it. */
export interface LimitState {
  readonly scope: LimitScope;
  /** Null: unlimited. */
  readonly included: Scaled | null;
  /** A hard limit refuses, a soft one charges or only tells. */
  readonly hard: boolean;
  readonly used: Scaled;
  /** Asked for, not used yet. */
  readonly reserved: Scaled;
}

export interface Decision<State> {
  readonly allowed: boolean;
  /** The limit that decided; undefined when all there is is unlimited, or there is none. */
  readonly limit: State | undefined;
}

/**
 * Whether so much more may be used under a resource's limits of all scopes. Every hard one must have the room; soft ones
 * never refuse. The tightest hard limit decides and is told, without one the tightest soft limit is told.
 */
export function decide<State extends LimitState>(
  limits: readonly State[],
  quantity: Scaled,
): Decision<State> {
  const finite = limits.filter(({ included }) => included !== null);
  const limit = tightest(finite.filter(({ hard }) => hard)) ?? tightest(finite);
  return { allowed: limit === undefined || !limit.hard || room(limit) >= quantity, limit };
}

/** What is left of a limit, never below 0; null when it is unlimited. */
export function remaining(limit: LimitState): Scaled | null {
  if (limit.included === null) return null;
  const left = room(limit);
  return left > 0n ? left : 0n;
}

function room({ included, used, reserved }: LimitState): Scaled {
  return (included ?? 0n) - used - reserved;
}

function tightest<State extends LimitState>(limits: readonly State[]): State | undefined {
  let least: State | undefined;
  for (const limit of limits) {
    if (least === undefined || room(limit) < room(least)) least = limit;
  }
  return least;
}
