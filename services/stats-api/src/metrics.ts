import type { Registry } from '@odometer/service-kit/metrics';
import { Counter, Histogram } from 'prom-client';

/** Those that the service answers with. */
const STATUS_CLASSES = ['2xx', '4xx', '5xx', 'gone'] as const;

export interface ApiMetrics {
  /** Shows a route before anybody asks it: a series that begins with 1 shows no rise. */
  expectRoute(route: string): void;
  /**
   * @param route method and path template, or `other` for what no route takes.
   * @param status 0 when the client left before its answer.
   */
  observeRequest(route: string, status: number, seconds: number): void;
}

/** Declares what is observed. The labels are bounded by the number of routes. */
export function createMetrics(registry: Registry): ApiMetrics {
  const requests = new Counter({
    name: 'odometer_stats_api_requests_total',
    help: 'Answered requests by route and class of the status (2xx, 4xx, 5xx); "gone" when the client left first.',
    labelNames: ['route', 'status_class'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'odometer_stats_api_request_duration_seconds',
    help: 'From the headers of a request to its answer, by route.',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  return {
    expectRoute(route) {
      durations.zero({ route });
      for (const status_class of STATUS_CLASSES) requests.inc({ route, status_class }, 0);
    },
    observeRequest(route, status, seconds) {
      const statusClass = status === 0 ? 'gone' : `${Math.floor(status / 100)}xx`;
      requests.inc({ route, status_class: statusClass });
      durations.observe({ route }, seconds);
    },
  };
}
