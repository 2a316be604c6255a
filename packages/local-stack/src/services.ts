/** One of Odometer's own services, as the stack runs it. A new service is a line here. */
export interface Service {
  /** Its folder under services/. */
  readonly name: string;
  /** `/metrics`, `/livez`, `/readyz`. */
  readonly adminPort: number;
  /** Where it serves its HTTP interface, when it has one. */
  readonly httpPort?: number;
  /** The paths of the front address that are its own; each stands for itself and all below it. */
  readonly paths?: readonly string[];
}

/** In the order in which `make up` names them. */
export const SERVICES: readonly Service[] = [
  {
    name: 'ingest-api',
    adminPort: 18181,
    httpPort: 18081,
    paths: ['/api/v1/events', '/webhooks'],
  },
  { name: 'mqtt-counter', adminPort: 18182 },
  { name: 'stats-worker', adminPort: 18183 },
];
