import type { Aggregation, MeterKind } from '../meters.ts';

export type LimitScope = 'organization' | 'project';

/** What a limit can be on besides meters: things that are registered, counted as they are now. */
export type RegistryResource = 'projects' | 'users' | 'devices';

/** No meter may have one of these slugs. Users and projects belong to organizations, devices to both. */
const SCOPES: Readonly<Record<RegistryResource, readonly LimitScope[]>> = {
  projects: ['organization'],
  users: ['organization'],
  devices: ['organization', 'project'],
};

export function isRegistryResource(resource: string): resource is RegistryResource {
  return Object.hasOwn(SCOPES, resource);
}

/** Whether a limit on the resource makes sense for the scope; on a meter it does for both. */
export function hasScope(resource: string, scope: LimitScope): boolean {
  return !isRegistryResource(resource) || SCOPES[resource].includes(scope);
}

/**
 * Why a meter can have no limit, or undefined. Only what adds up and what is a level has a "used" that rows of a month can
 * tell at once: distinct values, extremes and averages of projects do not make an organization's.
 */
export function limitRefusal(meter: {
  readonly kind: MeterKind;
  readonly aggregation: Aggregation;
}): string | undefined {
  const { kind, aggregation } = meter;
  const fits =
    kind === 'counter'
      ? aggregation === 'sum' || aggregation === 'count'
      : // Built-in gauges are read, and have the aggregation every meter starts with.
        aggregation === 'sum' || aggregation === 'latest';
  return fits
    ? undefined
    : `a limit needs a meter that adds up or holds a level, not ${aggregation}`;
}
