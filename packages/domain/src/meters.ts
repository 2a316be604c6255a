/** A counter adds up; a gauge is read. */
export type MeterKind = 'counter' | 'gauge';

/** How the events of a type become usage. */
export type Aggregation = (typeof AGGREGATIONS)[number];
export const AGGREGATIONS = [
  'sum',
  'count',
  'avg',
  'min',
  'max',
  'latest',
  'unique_count',
] as const;

/** What kind of a meter an aggregation makes: amounts add up over time, readings do not. */
export function kindOf(aggregation: Aggregation): MeterKind {
  return aggregation === 'sum' || aggregation === 'count' || aggregation === 'unique_count'
    ? 'counter'
    : 'gauge';
}

/** A built-in meter: seeded by migration, one for every counter and gauge of `project_stats` and `daily_stats`. */
export interface BuiltInMeter {
  readonly slug: string;
  readonly kind: MeterKind;
  readonly unit: string;
  /** What feeds it: events of the type named like the meter, our MQTT counter, or readings. */
  readonly owner: 'events' | 'mqtt' | 'readings';
}

const counter = (
  slug: string,
  unit: string,
  owner: BuiltInMeter['owner'] = 'events',
): BuiltInMeter => ({
  slug,
  kind: 'counter',
  unit,
  owner,
});
const gauge = (slug: string, unit: string): BuiltInMeter => ({
  slug,
  kind: 'gauge',
  unit,
  owner: 'readings',
});

/** The order fixes the meters' ids (1, 2, 3 …): append, never reorder. */
export const BUILT_IN_METERS: readonly BuiltInMeter[] = [
  counter('mqtt_inbound', 'message', 'mqtt'),
  counter('mqtt_inbound_bytes', 'byte', 'mqtt'),
  counter('mqtt_inbound_units', 'unit', 'mqtt'),
  counter('mqtt_outbound', 'message', 'mqtt'),
  counter('mqtt_outbound_bytes', 'byte', 'mqtt'),
  counter('mqtt_outbound_units', 'unit', 'mqtt'),
  counter('api_calls', 'call'),
  counter('logs', 'line'),
  counter('sessions', 'session'),
  counter('deployments', 'deployment'),
  counter('logins', 'login'),
  counter('docker_upload_bytes', 'byte'),
  counter('docker_download_bytes', 'byte'),
  counter('data_transfer_bytes', 'byte'),
  gauge('storage_bytes', 'byte'),
  gauge('s3_storage_bytes', 'byte'),
  gauge('docker_storage_bytes', 'byte'),
  gauge('logs_storage_bytes', 'byte'),
  gauge('device_count', 'device'),
  gauge('active_device_count', 'device'),
  gauge('ecr_image_count', 'image'),
  gauge('s3_object_count', 'object'),
  counter('s3_byte_hours', 'byte_hour', 'readings'),
];
