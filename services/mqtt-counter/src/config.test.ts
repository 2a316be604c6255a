import { expect, test } from '@jest/globals';
import { parseConfig } from '@odometer/service-kit/config';
import { checkConfig, topicTemplate, variables } from './config.ts';

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
