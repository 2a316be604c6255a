import { main } from '@odometer/service-kit/main';
import { variables } from './config.ts';
import { run } from './run.ts';

await main({ name: 's3-usage-watcher', variables, run });
