import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const documentation = readFileSync(new URL('../../../../docs/aws-iot.md', import.meta.url), 'utf8');
const blocks = [...documentation.matchAll(/```json\n(.*?)```/gs)].map(([, block = '']) => block);

test('what the documentation offers to paste is JSON, and its rule sends what is read', () => {
  const parsed = blocks.map((block) => JSON.parse(block) as Readonly<Record<string, unknown>>);
  const sql = parsed.map((block) => block.sql).filter((each) => each !== undefined);
  expect(sql).toHaveLength(1);
  const names = [...String(sql[0]).matchAll(/ AS (\w+)/g)].map(([, name]) => name);
  expect(names).toEqual(['topic', 'id', 'timestamp', 'bytes']);
});

test('the rule’s formula is the size of the payload, for every length', () => {
  for (let sizeBytes = 0; sizeBytes < 1_000; sizeBytes += 1) {
    const base64 = Buffer.alloc(sizeBytes, 0xff).toString('base64');
    expect(Math.floor(base64.replaceAll('=', '').length * 0.75)).toBe(sizeBytes);
  }
});
