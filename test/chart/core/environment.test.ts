import { describe, expect, test } from '@jest/globals';
import { variables as cli } from '@odometer/cli/settings';
import { type ConfigOf, parseConfig, type Variables } from '@odometer/service-kit/config';
import {
  checkConfig as checkIngestApi,
  variables as ingestApi,
} from '../../../services/ingest-api/src/config.ts';
import {
  checkConfig as checkMqttCounter,
  variables as mqttCounter,
} from '../../../services/mqtt-counter/src/config.ts';
import { variables as s3UsageWatcher } from '../../../services/s3-usage-watcher/src/config.ts';
import { variables as scheduler } from '../../../services/scheduler/src/config.ts';
import { variables as statsApi } from '../../../services/stats-api/src/config.ts';
import { variables as statsWorker } from '../../../services/stats-worker/src/config.ts';
import { type Container, containersOf, podTemplateOf } from '../harness/kubernetes-object.ts';
import { render, valuesFiles } from '../harness/rendered-chart.ts';

interface Program {
  readonly variables: Variables;
  readonly problems: (env: NodeJS.ProcessEnv) => readonly string[];
}

function program<V extends Variables>(
  variables: V,
  check?: (config: ConfigOf<V>) => readonly string[],
): Program {
  return {
    variables,
    problems: (env) => {
      try {
        parseConfig(variables, env, check);
        return [];
      } catch (error) {
        return [String(error)];
      }
    },
  };
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  'ingest-api': program(ingestApi, checkIngestApi),
  'stats-api': program(statsApi),
  's3-usage-watcher': program(s3UsageWatcher),
  'mqtt-counter': program(mqttCounter, checkMqttCounter),
  scheduler: program(scheduler),
  'stats-worker': program(statsWorker),
  odometer: program(cli),
};

/** What other programs than ours read: libpq, Node and the AWS SDK. */
const CONVENTIONAL =
  /^(PG(HOST|PORT|USER|PASSWORD|DATABASE|SSLMODE)|NODE_(OPTIONS|EXTRA_CA_CERTS)|AWS_(REGION|ENDPOINT_URL))$/;

/** The environment that Kubernetes makes of it, in the second pod of a StatefulSet. */
function environmentOf({ env = [] }: Container): NodeJS.ProcessEnv {
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }) => {
      const field = valueFrom?.fieldRef?.fieldPath;
      return [name, field === 'metadata.name' ? 'odometer-mqtt-counter-0' : (value ?? 'a$ecret')];
    }),
  );
}

describe.each(valuesFiles())('$name', ({ path }) => {
  const ours = () =>
    render({ files: [path] }).flatMap((object) =>
      containersOf(podTemplateOf(object) ?? { spec: { containers: [] } }).flatMap((container) => {
        const name = /^\/app\/([\w-]+)\.mjs$/.exec(container.args?.[0] ?? '')?.[1];
        const known = name === undefined ? undefined : PROGRAMS[name];
        return known === undefined ? [] : [{ of: object.metadata.name, name, container, known }];
      }),
    );

  test('every program takes the environment it is given', () => {
    expect(ours().length).toBeGreaterThan(10);
    const problems = ours().flatMap(({ of, name, container, known }) =>
      // Of the command, each subcommand asks only for what it needs.
      name === 'odometer'
        ? []
        : known.problems(environmentOf(container)).map((problem) => `${of}: ${problem}`),
    );
    expect(problems).toEqual([]);
  });

  test('nothing is set that its program does not read', () => {
    const idle = ours().flatMap(({ of, container, known }) => {
      const names = new Set(Object.values(known.variables).map(({ env }) => env));
      return Object.keys(environmentOf(container))
        .filter((name) => !names.has(name) && !CONVENTIONAL.test(name))
        .map((name) => `${of}/${container.name} ${name}`);
    });
    expect(idle.filter((each) => !/ (TZ|ODOMETER_API_KEY)$/.test(each))).toEqual([]);
  });
});
