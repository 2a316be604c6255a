/** Meters that the simulated events feed; each takes events whose type is its name. */
export const EVENT_METERS = [
  'api_calls',
  'logs',
  'sessions',
  'deployments',
  'data_transfer_bytes',
] as const;

/** In the order in which a count batch holds their figures. */
export const MESSAGE_METERS = [
  'mqtt_inbound',
  'mqtt_inbound_bytes',
  'mqtt_inbound_units',
  'mqtt_outbound',
  'mqtt_outbound_bytes',
  'mqtt_outbound_units',
] as const;

/** Gauges that are read, with their ids. */
export const GAUGES = [
  { id: 15, slug: 'storage_bytes' },
  { id: 17, slug: 'docker_storage_bytes' },
] as const;
