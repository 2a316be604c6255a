import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  boolean,
  ConfigError,
  choice,
  describeConfig,
  durationMs,
  integer,
  optional,
  parseConfig,
  secret,
  text,
  url,
  type Variables,
  variable,
} from './config.ts';
import { postgresVariables } from './postgres-variables.ts';
import { redisVariables } from './redis-variables.ts';
import { serviceVariables } from './service-variables.ts';

const variables = {
  port: variable('ODOMETER_PORT', integer({ min: 0, max: 65_535, default: 8080 }), 'Where.'),
  flushIntervalMs: variable(
    'ODOMETER_FLUSH_INTERVAL_MS',
    durationMs({ default: 200 }),
    'How often.',
  ),
  mode: variable('ODOMETER_MODE', choice(['fast', 'safe'], { default: 'safe' }), 'How.'),
  active: variable('ODOMETER_ACTIVE', boolean(true), 'Whether.'),
  topic: variable('ODOMETER_TOPIC', text(), 'What.'),
  key: variable('ODOMETER_SIGNING', secret(), 'With what.'),
  broker: variable('MQTT_URL', url({ schemes: ['mqtt', 'mqtts'] }), 'From where.'),
  note: variable('ODOMETER_NOTE', optional(text()), 'Why.'),
};
const valid = {
  ODOMETER_TOPIC: 'a/#',
  ODOMETER_SIGNING: 's3cret',
  MQTT_URL: 'mqtt://u:hidden@host',
};

function problemsOf(declared: Variables, env: NodeJS.ProcessEnv): readonly string[] {
  try {
    parseConfig(declared, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('parseConfig', () => {
  test('gives typed values and defaults, frozen', () => {
    const config = parseConfig(variables, {
      ...valid,
      ODOMETER_PORT: ' 9000 ',
      ODOMETER_ACTIVE: '0',
    });
    const port: number = config.port;
    const note: string | undefined = config.note;
    expect({ port, note }).toEqual({ port: 9000, note: undefined });
    expect(config).toMatchObject({
      flushIntervalMs: 200,
      mode: 'safe',
      active: false,
      topic: 'a/#',
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('takes an empty variable for an absent one', () => {
    const config = parseConfig(variables, { ...valid, ODOMETER_PORT: '', ODOMETER_NOTE: '' });
    expect(config).toMatchObject({ port: 8080, note: undefined });
    expect(problemsOf(variables, { ...valid, ODOMETER_TOPIC: '' })).toEqual([
      'ODOMETER_TOPIC is not set; it should be a text',
    ]);
  });

  test('reports every problem together, each with what would be right', () => {
    const env = {
      ODOMETER_PORT: '70000',
      ODOMETER_MODE: 'quick',
      ODOMETER_TOPIC: 'a',
      ODOMETER_ACTIVE: 'ja',
    };
    expect(problemsOf(variables, env)).toEqual([
      'ODOMETER_PORT is "70000"; it should be a whole number from 0 up to 65535',
      'ODOMETER_MODE is "quick"; it should be one of fast, safe',
      'ODOMETER_ACTIVE is "ja"; it should be true or false',
      'ODOMETER_SIGNING is not set; it should be a text',
      'MQTT_URL is not set; it should be a URL that begins with mqtt:// or mqtts://',
    ]);
  });

  test.each(['1.5', '1e3', '0x10', '-1', '9007199254740993', 'NaN'])('%s is no port', (port) => {
    expect(problemsOf(variables, { ...valid, ODOMETER_PORT: port })).toHaveLength(1);
  });

  test('refuses a duration that a timer would take for none', () => {
    expect(
      problemsOf(variables, { ...valid, ODOMETER_FLUSH_INTERVAL_MS: '2147483648' }),
    ).toHaveLength(1);
  });

  test('never prints the value of a secret, or of a URL', () => {
    const declared = {
      ...variables,
      custom: variable('ODOMETER_API_TOKEN', z.string().regex(/^ok$/, 'must be ok'), 'Who.'),
    };
    const env = { ...valid, MQTT_URL: 'http://u:hunter2@host', ODOMETER_API_TOKEN: 'hunter2' };
    const problems = problemsOf(declared, env).join('\n');
    expect(problems).not.toContain('hunter2');
    expect(problems).toContain('MQTT_URL');
    expect(problems).toContain(
      'ODOMETER_API_TOKEN is wrong (not shown, it may hold a secret); must be ok',
    );
  });

  test('refuses a misspelt variable and names the one that was meant', () => {
    expect(problemsOf(variables, { ...valid, ODOMETER_PROT: '1', ODOMETER_MODES: 'fast' })).toEqual(
      [
        'ODOMETER_MODES is unknown; did you mean ODOMETER_MODE?',
        'ODOMETER_PROT is unknown; did you mean ODOMETER_PORT?',
      ],
    );
  });

  test("leaves other services' variables alone", () => {
    expect(() =>
      parseConfig(variables, { ...valid, ODOMETER_WORKER_QUEUES: 'x', PROT: '1' }),
    ).not.toThrow();
  });

  test('applies rules across variables once each is valid', () => {
    const check = ({ port }: { port: number }) =>
      port === 0 ? ['ODOMETER_PORT must not be 0'] : [];
    expect(() => parseConfig(variables, { ...valid, ODOMETER_PORT: '0' }, check)).toThrow(
      'must not be 0',
    );
    expect(() => parseConfig(variables, { ...valid, ODOMETER_PORT: 'x' }, check)).toThrow(
      'whole number',
    );
  });
});

test('describeConfig tells what is required, what is optional and what the defaults are', () => {
  const rows = new Map(describeConfig(variables).map((row) => [row.env, row]));
  expect(rows.get('ODOMETER_PORT')).toEqual({
    env: 'ODOMETER_PORT',
    expected: 'a whole number from 0 up to 65535',
    default: '8080',
    why: 'Where.',
  });
  expect(rows.get('ODOMETER_ACTIVE')?.default).toBe('true');
  expect(rows.get('ODOMETER_TOPIC')?.default).toBe('required');
  expect(rows.get('ODOMETER_NOTE')?.default).toBe('');
});

describe('the shared variables', () => {
  const shared = { ...serviceVariables, ...redisVariables, ...postgresVariables };

  test('need only REDIS_URL', () => {
    expect(problemsOf(shared, {})).toEqual([
      'REDIS_URL is not set; it should be a URL that begins with redis:// or rediss://',
    ]);
    const config = parseConfig(shared, { REDIS_URL: 'redis://127.0.0.1' });
    expect(config).toMatchObject({
      redisDurability: 'always',
      databaseUrl: undefined,
      adminPort: 9464,
    });
  });

  test('stay within the grace that Kubernetes gives by default', () => {
    const { shutdownDeadlineMs } = parseConfig(serviceVariables, {});
    expect(shutdownDeadlineMs).toBeLessThan(30_000);
  });
});
