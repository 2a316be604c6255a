import { expect, test } from '@jest/globals';
import type { Figure } from '../figure.ts';
import { mergeMeasurements, readDocument, renderDocument } from './document.ts';

const MACHINE = ['2 cores', 'Node 20'];
const figure = (bench: string, value: number): Figure => ({ bench, value, unit: 'msg/s' });
const entry = (benchmark: string, value: number) => ({
  benchmark,
  measuredOn: '2026-03-01',
  figures: [figure(benchmark, value)],
});

test('a document is read back as it was written', () => {
  const measurements = mergeMeasurements(undefined, MACHINE, [entry('a', 12_345)], ['a']);
  const text = renderDocument(measurements);
  expect(readDocument(text)).toEqual(measurements);
  expect(text).toContain('| a | 12,345 msg/s |');
});

test('a run of one benchmark replaces its own lines and keeps the order', () => {
  const old = mergeMeasurements(undefined, MACHINE, [entry('a', 1), entry('b', 2)], ['a', 'b']);
  const merged = mergeMeasurements(old, MACHINE, [entry('a', 3)], ['a', 'b']);
  expect(merged.entries.map(({ figures }) => figures[0]?.value)).toEqual([3, 2]);
});

test('figures of another machine are not mixed with new ones', () => {
  const old = mergeMeasurements(undefined, ['64 cores'], [entry('b', 2)], ['a', 'b']);
  const merged = mergeMeasurements(old, MACHINE, [entry('a', 3)], ['a', 'b']);
  expect(merged.entries.map(({ benchmark }) => benchmark)).toEqual(['a']);
});

test('any other text is no document', () => {
  expect(readDocument('# Benchmarks')).toBeUndefined();
});
