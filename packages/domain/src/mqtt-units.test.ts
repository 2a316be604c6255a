import { expect, test } from '@jest/globals';
import { messageUnits } from './mqtt-units.ts';

test('a unit is 5 KiB begun', () => {
  expect(messageUnits(1)).toBe(1);
  expect(messageUnits(5120)).toBe(1);
  expect(messageUnits(5121)).toBe(2);
  expect(messageUnits(256 * 1024 * 1024)).toBe(52429);
});
