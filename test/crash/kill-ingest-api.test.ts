import { crashTest } from '../harness/crash-test.ts';
import { killIngestApi } from '../scenarios/kill-ingest-api.ts';

crashTest(killIngestApi);
