/** Every program of the image by its name there, and the file it starts with. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  'ingest-api': 'services/ingest-api/src/main.ts',
  'mqtt-counter': 'services/mqtt-counter/src/main.ts',
  's3-usage-watcher': 'services/s3-usage-watcher/src/main.ts',
  scheduler: 'services/scheduler/src/main.ts',
  'stats-api': 'services/stats-api/src/main.ts',
  'stats-worker': 'services/stats-worker/src/main.ts',
  odometer: 'packages/cli/src/main.ts',
};
