import { crashTest } from '../harness/crash-test.ts';
import { crashPostgresApplyingObjects } from '../scenarios/crash-postgres-applying-objects.ts';

crashTest(crashPostgresApplyingObjects);
