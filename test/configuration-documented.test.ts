import { test } from '@jest/globals';
import { variables as cli } from '@odometer/cli/settings';
import { variables as ingestApi } from '../services/ingest-api/src/config.ts';
import { variables as mqttCounter } from '../services/mqtt-counter/src/config.ts';
import { variables as s3UsageWatcher } from '../services/s3-usage-watcher/src/config.ts';
import { variables as scheduler } from '../services/scheduler/src/config.ts';
import { variables as statsApi } from '../services/stats-api/src/config.ts';
import { variables as statsWorker } from '../services/stats-worker/src/config.ts';
import { configurationMarkdown } from './documentation/configuration-markdown.ts';
import { holdEqual } from './documentation/hold-equal.ts';

test('docs/configuration.md says what the code reads; refresh it with UPDATE_DOCS=1', () => {
  holdEqual(
    'configuration.md',
    configurationMarkdown({
      'ingest-api': ingestApi,
      'mqtt-counter': mqttCounter,
      's3-usage-watcher': s3UsageWatcher,
      scheduler,
      'stats-api': statsApi,
      'stats-worker': statsWorker,
      odometer: cli,
    }),
  );
});
