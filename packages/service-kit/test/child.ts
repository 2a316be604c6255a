import { component } from '../src/component.ts';
import { main } from '../src/main.ts';
import { createRegistry } from '../src/metrics.ts';
import { Service } from '../src/service.ts';
import { serviceVariables } from '../src/service-variables.ts';

/** A real service for service-process.test.ts, that misbehaves as its first argument says. */
const scenario = process.argv[2];

await main({
  name: 'child',
  variables: serviceVariables,
  run: (config, log) => {
    if (scenario === 'throw-in-run') throw new Error('no wiring');
    const service = new Service({
      name: 'child',
      log,
      registry: createRegistry('child'),
      admin: { host: config.adminHost, port: config.adminPort },
      shutdownDelayMs: config.shutdownDelayMs,
      shutdownDeadlineMs: config.shutdownDeadlineMs,
    });
    for (const [stage, name] of [
      ['intake', 'door'],
      ['workers', 'hands'],
      ['postgres', 'ledger'],
    ] as const) {
      service.add(
        stage,
        component({
          name,
          async start(signal) {
            log.info({ event: 'started', name });
            if (scenario === 'fail-start' && name === 'hands') throw new Error('no hands');
            if (scenario === 'slow-start' && name === 'hands') {
              await new Promise((_, reject) => {
                const waiting = setInterval(() => undefined, 1_000);
                signal.addEventListener('abort', () => {
                  clearInterval(waiting);
                  reject(new Error('gave up'));
                });
              });
            }
          },
          async stop() {
            log.info({ event: 'stopped', name });
            if (scenario === 'throw-stop' && name === 'door') throw new Error('jammed');
            if (scenario === 'hang-stop' && name === 'hands') await new Promise(() => undefined);
          },
        }),
      );
    }
    if (scenario === 'forgotten-timer') setInterval(() => undefined, 1_000);
    const unexpected = new Error('out of nowhere');
    if (scenario === 'uncaught') setTimeout(() => throwIt(unexpected), 100);
    if (scenario === 'unhandled') setTimeout(() => void Promise.reject(unexpected), 100);
    return service.run();
  },
});

function throwIt(error: Error): never {
  throw error;
}
