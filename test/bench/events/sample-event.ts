import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { ORGANIZATION, projectSlug } from '../fleet.ts';

const ROUTES = ['/v1/devices', '/v1/devices/42/state', '/v1/firmware', '/v1/alerts'] as const;

/** Event `index` of a run: an API call of some project, as a gateway would report it. */
export function sampleEvent(index: number, projects: number, nowMs: number): EventEnvelope {
  return {
    organization: ORGANIZATION,
    project: projectSlug(index % projects),
    id: `call-${String(index).padStart(9, '0')}`,
    source: 'gateway-1',
    type: 'api_calls',
    subject: `${ORGANIZATION}/${projectSlug(index % projects)}`,
    time: new Date(nowMs - (index % 1_000)).toISOString(),
    data: { value: 1 + (index % 3), route: ROUTES[index % ROUTES.length] ?? '', status: 200 },
    ingestedAtMs: nowMs,
  };
}

/** The same as the client writes it. */
export function sampleCloudEvent(index: number, projects: number, nowMs: number): string {
  const { id, source, type, subject, time, data } = sampleEvent(index, projects, nowMs);
  return JSON.stringify({ specversion: '1.0', id, source, type, subject, time, data });
}
