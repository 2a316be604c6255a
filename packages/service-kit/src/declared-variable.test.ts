import { expect, test } from '@jest/globals';
import { declaredVariable } from './declared-variable.ts';

test('a variable that a declaration names is there, or the refusal names it and whom it is for', () => {
  expect(declaredVariable({ URL_APP: 'postgres://x' }, 'URL_APP', 'reading app')).toBe(
    'postgres://x',
  );
  for (const env of [{}, { URL_APP: '' }]) {
    expect(() => declaredVariable(env, 'URL_APP', 'reading app')).toThrow(
      'reading app does not let us in: URL_APP is not in the environment of this process',
    );
  }
});
