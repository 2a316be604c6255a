import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { comparableSequencer, sequencerOfTime } from './sequencer.ts';

test('sequencers of different lengths and cases compare as text', () => {
  const short = comparableSequencer('0055aed6dcd90281');
  const long = comparableSequencer('0055AED6DCD90281E5');
  expect(short !== undefined && long !== undefined && short < long).toBe(true);
  expect(comparableSequencer('0055aed6')).toBe(comparableSequencer('0055AED600'));
});

test('they compare as if the shorter one were padded with zeros, the rule as it is written', () => {
  const digits = fc.stringMatching(/^[0-9a-fA-F]{1,20}$/).filter((text) => !/^0*$/.test(text));
  fc.assert(
    fc.property(digits, digits, (a, b) => {
      const length = Math.max(a.length, b.length);
      const [x, y] = [a, b].map((text) => text.toUpperCase().padEnd(length, '0')) as [
        string,
        string,
      ];
      const [p, q] = [comparableSequencer(a), comparableSequencer(b)] as [string, string];
      expect(p < q).toBe(x < y);
      expect(p === q).toBe(x === y);
    }),
  );
});

test.each([undefined, '', '0', '000', 'xyz', '1 2', '1'.repeat(41)])(
  '%p orders nothing',
  (sequencer) => {
    expect(comparableSequencer(sequencer)).toBeUndefined();
  },
);

test('times in place of sequencers compare as the times do', () => {
  const times = [0, 1, 999, 1_700_000_000_000, 1_700_000_000_001];
  const sequencers = times.map(sequencerOfTime);
  expect([...sequencers].sort()).toEqual(sequencers);
});
