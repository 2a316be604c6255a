import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import type { Command } from 'commander';
import { UnsatisfiedError } from '../failure.ts';
import { addCommand, type OutputOptions, print, printJson, table } from '../output.ts';
import type { Check } from '../preflight/check.ts';
import { startProgress } from '../progress.ts';
import { readAllSettings } from '../settings.ts';

export function addPreflight(program: Command): void {
  addCommand(program, 'preflight', 'check Postgres, Redis and the MQTT broker').action(preflight);
}

async function preflight({ json }: OutputOptions): Promise<void> {
  const settings = readAllSettings();
  const { databaseUrl, redisDurability, mqttUrl } = settings;
  const progress = startProgress();
  progress.tell('asking Postgres, Redis and the broker');
  // The clients of the three take a second to load, which no other command should wait for.
  const [{ checkPostgres }, { checkRedis }, { checkBroker }] = await Promise.all([
    import('../preflight/check-postgres.ts'),
    import('../preflight/check-redis.ts'),
    import('../preflight/check-broker.ts'),
  ]);
  const checks = (
    await Promise.all([
      checkPostgres(databaseUrl),
      checkRedis(redisEndpoint(settings), redisDurability),
      mqttUrl === undefined ? [noBroker] : checkBroker(mqttUrl, settings),
    ]).finally(() => progress.done())
  ).flat();
  const ok = checks.every((check) => check.ok !== false);
  if (json) printJson({ ok, checks });
  else {
    print(table(['check', 'result', 'detail'], checks.map(row)));
    const remedies = checks.flatMap(({ check, remedy }) => (remedy ? [`${check}: ${remedy}`] : []));
    if (remedies.length > 0)
      print(`\nWhat to do:\n${remedies.map((line) => `  ${line}`).join('\n')}`);
  }
  if (!ok) throw new UnsatisfiedError('preflight failed');
}

const noBroker: Check = { check: 'broker', ok: undefined, detail: 'MQTT_URL is not set' };

function row({ check, ok, detail }: Check): readonly string[] {
  return [check, ok === undefined ? 'not checked' : ok ? 'ok' : 'FAILED', detail];
}
