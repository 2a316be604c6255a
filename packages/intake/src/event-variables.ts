import { isSlug } from '@odometer/domain/slug';
import { durationMs, integer, text, variable } from '@odometer/service-kit/config';
import type { EventBounds } from './validate-event.ts';

const MINUTE_MS = 60_000;
const DAY_S = 86_400;

/** A dedup claim lives this long since it was last seen (event_keys.last_seen_on). */
const CLAIM_LIFE_SECONDS = 400 * DAY_S;

/**
 * How events are validated. Whoever makes events of what others know should have the same values: an event that one of them
 * gives to another organization, or refuses, would count twice, or not.
 */
export const eventVariables = {
  defaultOrganization: variable(
    'ODOMETER_DEFAULT_ORGANIZATION',
    text({ default: 'default' }),
    'Organization of a subject that names only a project, when the API key, or the webhook, is bound to none.',
  ),
  maxFutureMs: variable(
    'ODOMETER_EVENT_MAX_FUTURE_MS',
    durationMs({ max: 60 * MINUTE_MS, default: 5 * MINUTE_MS }),
    "How far ahead of this machine's clock an event may be. Five minutes forgive a badly set clock; more would let usage into a month that has not begun.",
  ),
  maxAgeSeconds: variable(
    'ODOMETER_EVENT_MAX_AGE_SECONDS',
    integer({ min: 1, max: CLAIM_LIFE_SECONDS - 3_600, default: 395 * DAY_S }),
    'How old an event may be. The default takes thirteen months of arrears; the maximum stays below the 400 days for which an event is remembered, because one that is forgotten and sent again would count twice.',
  ),
  maxEventBytes: variable(
    'ODOMETER_EVENT_MAX_BYTES',
    integer({ min: 1_024, max: 1_000_000, default: 65_536 }),
    'Largest event, as JSON. 64 KiB is what CloudEvents asks everybody to forward.',
  ),
} as const;

/** The bounds, as they are configured. */
export function eventBounds(config: {
  readonly maxFutureMs: number;
  readonly maxAgeSeconds: number;
  readonly maxEventBytes: number;
}): EventBounds {
  const { maxFutureMs, maxAgeSeconds, maxEventBytes } = config;
  return { maxFutureMs, maxAgeMs: maxAgeSeconds * 1_000, maxEventBytes };
}

/** Rules that need more than a text. */
export function checkEventConfig(config: {
  readonly defaultOrganization: string;
}): readonly string[] {
  return isSlug(config.defaultOrganization)
    ? []
    : ['ODOMETER_DEFAULT_ORGANIZATION should be a valid name'];
}
