import type { AnyRoute } from './http/route.ts';
import { organizationRoutes } from './registry/organizations.ts';

/** Every address of this service. */
export const routes: readonly AnyRoute[] = [...organizationRoutes];
