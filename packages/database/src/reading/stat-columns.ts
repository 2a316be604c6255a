/** The figures of the wide views by their columns' names, which the API keeps: who knows the views knows the answers. */

const COUNTERS = [
  'logs',
  'sessions',
  'mqtt_inbound',
  'mqtt_outbound',
  'api_calls',
  'deployments',
  'logins',
  'docker_upload_bytes',
  'docker_download_bytes',
  'data_transfer_bytes',
  'mqtt_inbound_bytes',
  'mqtt_inbound_units',
  'mqtt_outbound_bytes',
  'mqtt_outbound_units',
] as const;

const LIFETIMES = COUNTERS.map((counter) => `lifetime_${counter}` as const);

/** Figures of `project_stats`. */
export const PROJECT_STATS = [
  ...COUNTERS,
  'total_storage_bytes',
  'total_s3_storage_bytes',
  'total_docker_storage_bytes',
  'total_logs_storage_bytes',
  'total_devices',
  'active_devices',
  'current_ecr_images',
  ...LIFETIMES,
] as const;

/** Figures of `organization_stats`. */
export const ORGANIZATION_STATS = [...PROJECT_STATS, 'total_projects', 'total_users'] as const;

/** Figures of `daily_stats` and `organization_daily_stats`. */
export const DAILY_STATS = [
  ...COUNTERS,
  'storage_bytes',
  's3_storage_bytes',
  'docker_storage_bytes',
  'logs_storage_bytes',
  'device_count',
  'active_device_count',
  'ecr_image_count',
] as const;

/** Figures of `monthly_stats` and `organization_monthly_stats`. */
export const MONTHLY_STATS = [
  ...COUNTERS,
  'peak_storage_bytes',
  'peak_s3_storage_bytes',
  'peak_docker_storage_bytes',
  'peak_logs_storage_bytes',
  ...LIFETIMES,
  'overage_charge',
] as const;

/** Of these two views as well, but null until the month is drafted. */
export const MONTHLY_AVERAGES = [
  'average_storage_bytes',
  'average_s3_storage_bytes',
  'average_docker_storage_bytes',
  'average_logs_storage_bytes',
] as const;

/** A row by its columns, as Postgres says it: figures are decimal text. */
export type StatRow = Readonly<Record<string, string | null>>;
