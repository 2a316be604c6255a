/** One of Odometer's own services, as the stack runs it. A new service is a line here. */
export interface Service {
  /** Its folder under services/. */
  readonly name: string;
  /** `/metrics`, `/livez`, `/readyz`. */
  readonly adminPort: number;
  /** Where it serves its HTTP interface, when it has one. */
  readonly httpPort?: number;
  /** What its HTTP variables begin with: `<prefix>_HOST` and `<prefix>_PORT`. */
  readonly httpVariables?: string;
  /** The paths of the front address that are its own; each stands for itself and all below it. */
  readonly paths?: readonly string[];
}

/** In the order in which `make up` names them. */
export const SERVICES: readonly Service[] = [
  {
    name: 'ingest-api',
    adminPort: 18181,
    httpPort: 18081,
    httpVariables: 'ODOMETER_INGEST',
    paths: ['/api/v1/events', '/webhooks'],
  },
  {
    name: 'stats-api',
    adminPort: 18185,
    httpPort: 18085,
    httpVariables: 'ODOMETER_STATS',
    paths: ['/'],
  },
  {
    name: 's3-usage-watcher',
    adminPort: 18186,
    httpPort: 18086,
    httpVariables: 'ODOMETER_STORAGE',
    paths: ['/webhooks/storage'],
  },
  { name: 'mqtt-counter', adminPort: 18182 },
  { name: 'stats-worker', adminPort: 18183 },
  { name: 'scheduler', adminPort: 18184 },
];
