import { crashTest } from '../harness/crash-test.ts';
import { crashPostgres } from '../scenarios/crash-postgres.ts';

crashTest(crashPostgres);
