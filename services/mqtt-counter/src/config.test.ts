import { describe, expect, test } from '@jest/globals';
import { ConfigError, parseConfig } from '@odometer/service-kit/config';
import { checkConfig, queueTarget, topicTemplate, variables } from './config.ts';

const required = { MQTT_URL: 'mqtt://localhost', REDIS_URL: 'redis://localhost' };

function parse(env: Record<string, string> = {}) {
  return parseConfig(variables, { ...required, ...env }, checkConfig);
}

test('the addresses are enough', () => {
  const config = parse();
  expect(config.clientId).toBe('odometer-mqtt-counter');
  expect(topicTemplate(config).filter).toBe('roboticks/+/+/+/#');
  expect([...topicTemplate(config).outboundNames]).toEqual(['commands', 'cmd', 'down']);
});

test.each([
  [{ ODOMETER_MQTT_CLIENT_ID: 'Counter_1' }, /CLIENT_ID should be a DNS label/],
  [{ ODOMETER_MQTT_TOPIC_TEMPLATE: 'a/{organization}/#' }, /no \{project\}/],
  [{ ODOMETER_MQTT_FILTER: '#' }, /FILTER: the filter is wider/],
  [{ ODOMETER_MQTT_TLS_KEY_FILE: 'key.pem' }, /belong together/],
  [{ ODOMETER_MQTT_PROBE_TOPIC: 'roboticks/a/p/d' }, /outside the template/],
  [{ ODOMETER_MQTT_PROBE_TOPIC: 'a/#' }, /without \+ and #/],
  [{ MQTT_URL: 'http://localhost' }, /mqtt:\/\/ or mqtts:\/\//],
])('%j is refused', (env, problem) => {
  expect(() => parse(env)).toThrow(problem);
});

describe('a queue of AWS IoT instead of a broker', () => {
  const URL = 'https://sqs.eu-west-1.amazonaws.com/123456789012/messages';
  const parseIot = (env: Record<string, string>) =>
    parseConfig(variables, { REDIS_URL: 'redis://localhost', ...env }, checkConfig);

  test('its URL is enough, and names the region', () => {
    const config = parseIot({ ODOMETER_IOT_QUEUE_URL: URL });
    expect(queueTarget(config)).toEqual({
      queueUrl: URL,
      region: 'eu-west-1',
      roleArn: undefined,
      account: '123456789012',
    });
    expect(config.iotReceivers).toBe(4);
  });

  test.each([
    ['https://sqs.us-gov-west-1.amazonaws.com/1/q', 'us-gov-west-1'],
    ['https://sqs-fips.us-east-1.amazonaws.com/1/q', 'us-east-1'],
    ['https://sqs.cn-north-1.amazonaws.com.cn/1/q', 'cn-north-1'],
    ['https://vpce-1a-2b.sqs.ap-south-1.vpce.amazonaws.com/1/q', 'ap-south-1'],
  ])('%s is in %s', (url, region) => {
    expect(queueTarget(parseIot({ ODOMETER_IOT_QUEUE_URL: url })).region).toBe(region);
  });

  test('a region that is given wins', () => {
    const env = { ODOMETER_IOT_QUEUE_URL: URL, ODOMETER_IOT_REGION: 'us-east-1' };
    expect(queueTarget(parseIot(env)).region).toBe('us-east-1');
  });

  test('what is wrong is told at once', () => {
    const wrong = {
      MQTT_URL: 'mqtt://localhost',
      ODOMETER_IOT_QUEUE_URL: 'http://127.0.0.1:4566/000000000000/q',
      ODOMETER_MQTT_FILTER: 'roboticks/a/+/+/#',
      ODOMETER_MQTT_TOPIC_TEMPLATE: 'a/{organization}/#',
    };
    const problems = problemsOf(() => parseIot(wrong));
    expect(problems).toHaveLength(4);
    expect(problems.join(' ')).toMatch(
      /exclude each other.*FILTER does nothing.*IOT_REGION is required.*no \{project\}/,
    );
  });

  test('neither is refused', () => {
    expect(() => parseIot({})).toThrow(/MQTT_URL or ODOMETER_IOT_QUEUE_URL is required/);
  });
});

function problemsOf(parse: () => unknown): readonly string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
}
