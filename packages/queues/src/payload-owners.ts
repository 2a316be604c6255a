/** Whose usage a job carries, and since when it is accepted. */
export interface PayloadOwners {
  /** Slugs. Null: nobody can tell, since it is no payload that we know. */
  readonly organizations: readonly string[] | null;
  /** Null: it carries no usage, or nobody can tell. */
  readonly acceptedAtMs: number | null;
}

/**
 * Whose usage a job carries: a month is not closed while a job holds usage that its organization sent before the month's end.
 *
 * @param payload of any job, perhaps of another version, perhaps garbage.
 */
export function payloadOwners(payload: unknown): PayloadOwners {
  if (typeof payload !== 'object' || payload === null) return UNKNOWN;
  const { events, event, hours, messages, frozenAtMs } = payload as Readonly<
    Record<string, unknown>
  >;
  const acceptedAtMs = typeof frozenAtMs === 'number' ? frozenAtMs : null;
  if (Array.isArray(events))
    return { organizations: named(events.map(organizationOf)), acceptedAtMs };
  if (Array.isArray(messages))
    return { organizations: named(messages.map(organizationOf)), acceptedAtMs };
  if (event !== undefined) {
    return { organizations: named([organizationOf(event)]), acceptedAtMs: ingestedAt(event) };
  }
  if (Array.isArray(hours))
    return { organizations: named(hours.flatMap(countOwners)), acceptedAtMs };
  return { organizations: [], acceptedAtMs: null };
}

const UNKNOWN: PayloadOwners = { organizations: null, acceptedAtMs: null };

function named(slugs: readonly unknown[]): readonly string[] | null {
  const distinct = [...new Set(slugs)];
  return distinct.every((slug) => typeof slug === 'string') ? distinct : null;
}

function organizationOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && 'organization' in event
    ? event.organization
    : undefined;
}

function ingestedAt(event: unknown): number | null {
  if (typeof event !== 'object' || event === null || !('ingestedAtMs' in event)) return null;
  return typeof event.ingestedAtMs === 'number' ? event.ingestedAtMs : null;
}

function countOwners(hour: unknown): readonly unknown[] {
  if (typeof hour !== 'object' || hour === null || !('counts' in hour)) return [undefined];
  if (!Array.isArray(hour.counts)) return [undefined];
  return hour.counts.map((count: unknown) => (Array.isArray(count) ? count[0] : undefined));
}
