import { expect, test } from '@jest/globals';
import {
  type KeyPattern,
  type KeyTemplate,
  parseKeyPattern,
  parseKeyTemplate,
  parseNameTemplate,
  readKey,
  typeOfKey,
} from './key-template.ts';

function template(text: string): KeyTemplate {
  const parsed = parseKeyTemplate(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

function pattern(text: string, type: string): KeyPattern {
  const parsed = parseKeyPattern(text, type);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

const byProject = template('{organization}/{project}/…');

test('a key names its owner', () => {
  expect(readKey(byProject, 'acme/robots/scenes/7/a.bin')).toEqual({
    organization: 'acme',
    project: 'robots',
    rest: 'scenes/7/a.bin',
  });
  expect(readKey(template('data/{project}/...'), 'data/p1//x')).toEqual({
    project: 'p1',
    rest: '/x',
  });
  expect(readKey(template('…'), '/leading')).toEqual({ rest: '/leading' });
});

test.each([
  'acme',
  'acme/robots',
  'acme/robots/',
  '/acme/robots/x',
  'acme//x',
  'ac me/robots/x',
  '../robots/x',
])('the key %p is nobody’s', (key) => {
  expect(readKey(byProject, key)).toBeUndefined();
});

test('p1 is not p10', () => {
  const p1 = template('p1/…');
  expect(readKey(p1, 'p1/a')).toEqual({ rest: 'a' });
  expect(readKey(p1, 'p10/a')).toBeUndefined();
});

test.each(['{organization}', '{project}/{project}/…', '{device}/…', 'a//…', '…/a/…'])(
  '%p is no template',
  (text) => {
    expect(typeof parseKeyTemplate(text)).toBe('string');
  },
);

test('what follows the owner tells the type and the object', () => {
  const patterns = [
    pattern('scenes/{object_id}/…', 'scene'),
    pattern('uploads/{object_id}', 'upload'),
    pattern('logs/…', 'log'),
  ];
  expect(typeOfKey(patterns, 'scenes/7/mesh/a.bin')).toEqual({ type: 'scene', objectId: '7' });
  expect(typeOfKey(patterns, 'scenes/7/')).toEqual({ type: 'object' });
  expect(typeOfKey(patterns, 'scenes//a')).toEqual({ type: 'object' });
  expect(typeOfKey(patterns, 'uploads/u-1')).toEqual({ type: 'upload', objectId: 'u-1' });
  expect(typeOfKey(patterns, 'uploads/u-1/part')).toEqual({ type: 'object' });
  expect(typeOfKey(patterns, 'logs/2026/11/22.gz')).toEqual({ type: 'log' });
  expect(typeOfKey(patterns, 'logsx/1')).toEqual({ type: 'object' });
});

test.each(['…', 'a/{id}', '{object_id}/{object_id}', 'a//b'])('%p is no pattern', (text) => {
  expect(typeof parseKeyPattern(text, 'x')).toBe('string');
});

test('a name without … in its template fits as a whole', () => {
  const parsed = parseNameTemplate('apps/{project}');
  if (typeof parsed === 'string') throw new Error(parsed);
  expect(readKey(parsed, 'apps/robots')).toEqual({ project: 'robots', rest: '' });
  for (const name of ['apps/robots/web', 'apps/robots/', 'apps/', 'apps', 'other/robots']) {
    expect(readKey(parsed, name)).toBeUndefined();
  }
});
