import { expect, test } from '@jest/globals';
import { parseSubject } from './subject.ts';

test('a bare project belongs to the default organization', () => {
  expect(parseSubject('website', 'acme')).toEqual({ organization: 'acme', project: 'website' });
});

test('two parts are organization and project, three add the device', () => {
  expect(parseSubject('acme/website', 'x')).toEqual({ organization: 'acme', project: 'website' });
  expect(parseSubject('acme/robots/aa:bb:cc', 'x')).toEqual({
    organization: 'acme',
    project: 'robots',
    device: 'aa:bb:cc',
  });
});

test.each([
  '',
  '/',
  'a/',
  '/a',
  'a//b',
  'a/b/c/d',
  'a b',
  'a/+',
  '#',
  'a/b\u0000',
  '-a',
  'x'.repeat(129),
])('refuses %j with a sentence', (subject) => {
  expect(typeof parseSubject(subject, 'acme')).toBe('string');
});
