import { adjustmentRoutes } from './administration/adjustments.ts';
import { auditRoutes } from './administration/audit-log.ts';
import { deadLetterRoutes } from './administration/dead-letters.ts';
import { gapRoutes } from './administration/gaps.ts';
import { periodRoutes } from './administration/periods.ts';
import type { AnyRoute } from './http/route.ts';
import { limitRoutes } from './limits/limits.ts';
import { organizationTermRoutes } from './limits/organization-terms.ts';
import { planRoutes } from './limits/plans.ts';
import { reservationRoutes } from './limits/reservations.ts';
import { meterValueRoutes } from './meters/meter-values.ts';
import { meterRoutes } from './meters/meters.ts';
import { subjectRoutes } from './meters/subjects.ts';
import { posthocMetricRoutes } from './posthoc/metrics.ts';
import { posthocRunRoutes } from './posthoc/runs.ts';
import { meterQueryRoutes } from './query/meter-query.ts';
import { deviceRoutes } from './registry/devices.ts';
import { organizationRoutes } from './registry/organizations.ts';
import { projectRoutes } from './registry/projects.ts';
import { bucketRoutes } from './storage/buckets.ts';
import { measurementRoutes } from './storage/measurements.ts';
import { objectRoutes } from './storage/objects.ts';
import { orphanRoutes } from './storage/orphans.ts';
import { dailyRoutes } from './usage/daily.ts';
import { deviceUsageRoutes } from './usage/devices.ts';
import { monthlyRoutes } from './usage/monthly.ts';
import { statsRoutes } from './usage/stats.ts';

/** Every address of this service, in the order of its documentation. */
export const routes: readonly AnyRoute[] = [
  ...organizationRoutes,
  ...projectRoutes,
  ...deviceRoutes,
  ...statsRoutes,
  ...dailyRoutes,
  ...monthlyRoutes,
  ...deviceUsageRoutes,
  ...meterRoutes,
  ...meterValueRoutes,
  ...meterQueryRoutes,
  ...subjectRoutes,
  ...bucketRoutes,
  ...objectRoutes,
  ...orphanRoutes,
  ...measurementRoutes,
  ...posthocMetricRoutes,
  ...posthocRunRoutes,
  ...planRoutes,
  ...organizationTermRoutes,
  ...limitRoutes,
  ...reservationRoutes,
  ...periodRoutes,
  ...adjustmentRoutes,
  ...deadLetterRoutes,
  ...gapRoutes,
  ...auditRoutes,
];
