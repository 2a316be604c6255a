import { ConfigError, type ConfigOf, parseConfig, type Variables } from './config.ts';
import { createLogger, type Logger } from './logging.ts';
import type { serviceVariables } from './service-variables.ts';

/** EX_CONFIG of sysexits.h: tells a supervisor that trying again will not help. */
const EXIT_CONFIG_INVALID = 78;

/**
 * What each service's main.ts calls: reads the configuration, and runs the service with it.
 *
 * Exits with 78 and all problems on standard error when the configuration is not valid; with 0 after `--validate` when it
 * is; else with what `run` returned, or 1 when it threw. It does exit, rather than wait for the event loop to empty: a
 * socket that somebody forgot must not turn a clean stop into a SIGKILL.
 *
 * @param options.check rules that span several variables, one sentence for each that is broken.
 */
export async function main<V extends Variables & typeof serviceVariables>(options: {
  readonly name: string;
  readonly variables: V;
  readonly check?: (config: ConfigOf<V>) => readonly string[];
  readonly run: (config: ConfigOf<V>, log: Logger) => Promise<number>;
}): Promise<void> {
  const { name, variables, check, run } = options;
  let config: ConfigOf<V>;
  try {
    config = parseConfig(variables, process.env, check);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = EXIT_CONFIG_INVALID;
    return;
  }
  if (process.argv.includes('--validate')) {
    process.stdout.write('configuration is valid\n');
    return;
  }

  // The compiler does not see through ConfigOf that V contains serviceVariables.
  const { logLevel } = config as ConfigOf<typeof serviceVariables>;
  const log = createLogger(name, logLevel);
  // Only looks on: before the Service takes over Node's own exit with code 1 is right, afterwards the Service drains.
  process.on('uncaughtExceptionMonitor', (error) => {
    log.fatal({ event: 'uncaught_exception', error });
  });
  process.exit(await exitCodeOf(() => run(config, log), log));
}

async function exitCodeOf(run: () => Promise<number>, log: Logger): Promise<number> {
  try {
    return await run();
  } catch (error) {
    log.fatal({ event: 'service_failed', error });
    return error instanceof ConfigError ? EXIT_CONFIG_INVALID : 1;
  }
}
