import { expect, test } from '@jest/globals';
import { waitMs } from './ask-engine.ts';

test('waits rise by half from half a second to ten seconds, of which a random half is kept', () => {
  const most = () => 1;
  const waits: number[] = [];
  let runningMs = 0;
  for (let i = 0; i < 12; i += 1) {
    const ms = waitMs(runningMs, most);
    waits.push(ms);
    runningMs += ms;
  }
  expect(waits).toEqual([
    500, 750, 1_125, 1_688, 2_532, 3_798, 5_697, 8_545, 10_000, 10_000, 10_000, 10_000,
  ]);
  expect(waitMs(60_000, () => 0)).toBe(5_000);
  expect(waitMs(-1, most)).toBe(500);
});
