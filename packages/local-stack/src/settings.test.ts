import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { LARGEST_OFFSET, PORTS, portOf, readSettings } from './settings.ts';
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

test('the largest offset works, the next one does not, and the documentation names it', async () => {
  const offset = (by: number) => ({ ODOMETER_LOCAL_PORT_OFFSET: String(by) });
  expect(() => readSettings(offset(LARGEST_OFFSET))).not.toThrow();
  expect(() => readSettings(offset(LARGEST_OFFSET + 1))).toThrow(`works is ${LARGEST_OFFSET}`);
  const page = await readFile(new URL('../../../docs/local-stack.md', import.meta.url), 'utf8');
  expect(page).toContain(`at most ${LARGEST_OFFSET.toLocaleString('en')}`);
});

test.each([
  [{ ODOMETER_LOCAL_PORT: 'http' }, 'ODOMETER_LOCAL_PORT=http is not a port number'],
  [
    { ODOMETER_LOCAL_PORT: '54330' },
    'ODOMETER_LOCAL_POSTGRES_PORT and ODOMETER_LOCAL_PORT are both 54330',
  ],
  [
    { ODOMETER_LOCAL_PORT_OFFSET: '3000' },
    'ODOMETER_LOCAL_PORT_OFFSET=3000 is too large: ODOMETER_LOCAL_REDIS_PORT would be port 66790, which does not exist; the largest that works is 1745',
  ],
  [
    { ODOMETER_LOCAL_REDIS_PORT: '66790' },
    'ODOMETER_LOCAL_REDIS_PORT would be port 66790, which does not exist',
  ],
])('%j is refused in one sentence', (env, sentence) => {
  expect(() => readSettings(env)).toThrow(StackError);
  expect(() => readSettings(env)).toThrow(sentence);
});
