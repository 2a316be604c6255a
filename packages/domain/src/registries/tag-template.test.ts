import { expect, test } from '@jest/globals';
import { parseTagTemplate, readTag } from './tag-template.ts';

function read(text: string, tag: string) {
  const template = parseTagTemplate(text);
  if (typeof template === 'string') throw new Error(template);
  return readTag(template, tag);
}

test.each([
  ['{project}-…', 'robots-1.2', { project: 'robots' }],
  ['{project}-...', 'robots-main-7', { project: 'robots' }],
  ['{organization}.{project}.…', 'acme.robots.v1', { organization: 'acme', project: 'robots' }],
  ['{project}', 'robots', { project: 'robots' }],
  ['robots-…', 'robots-1', {}],
  ['v.{project}', 'v.robots', { project: 'robots' }],
])('%p reads %p', (template, tag, owner) => {
  expect(read(template, tag)).toEqual(owner);
});

test.each([
  ['{project}-…', 'robots'],
  ['{project}-…', 'robots-'],
  ['{project}-…', '-1'],
  ['{project}-…', '.robots-1'],
  ['robots-…', 'robots2-1'],
  ['v.{project}', 'v-robots'],
])('%p does not fit %p', (template, tag) => {
  expect(read(template, tag)).toBeUndefined();
});

test.each([
  '',
  '{project}{organization}',
  '{project}…',
  '{project}-{project}',
  '…-{project}',
  '{device}-…',
  'a/b',
])('%p is no template', (text) => {
  expect(typeof parseTagTemplate(text)).toBe('string');
});
