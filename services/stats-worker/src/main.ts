import { main } from '@odometer/service-kit/main';
import { checkConfig, variables } from './config.ts';
import { run } from './run.ts';

await main({ name: 'stats-worker', variables, check: checkConfig, run });
