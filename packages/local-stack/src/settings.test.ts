import { expect, test } from '@jest/globals';
import { PORTS, portOf, readSettings } from './settings.ts';
import { StackError } from './stack-error.ts';

test('the ports are those of the documentation unless the environment moves them', () => {
  const settings = readSettings({ ODOMETER_LOCAL_REDIS_PORT: '7000' });
  expect(portOf(settings, 'front')).toBe(8080);
  expect(portOf(settings, 'postgres')).toBe(54330);
  expect(portOf(settings, 'mosquitto')).toBe(18830);
  expect(portOf(settings, 'redis')).toBe(7000);
});

test('one offset moves every port', () => {
  const moved = readSettings({ ODOMETER_LOCAL_PORT_OFFSET: '1000' });
  for (const [name, { port }] of Object.entries(PORTS)) {
    expect(portOf(moved, name)).toBe(port + 1000);
  }
});

test.each([
  [{ ODOMETER_LOCAL_PORT: 'http' }, 'ODOMETER_LOCAL_PORT=http is not a port number'],
  [
    { ODOMETER_LOCAL_PORT: '54330' },
    'ODOMETER_LOCAL_POSTGRES_PORT and ODOMETER_LOCAL_PORT are both 54330',
  ],
  [{ ODOMETER_LOCAL_PORT_OFFSET: '60000' }, 'does not exist'],
])('%j is refused in one sentence', (env, sentence) => {
  expect(() => readSettings(env)).toThrow(StackError);
  expect(() => readSettings(env)).toThrow(sentence);
});
