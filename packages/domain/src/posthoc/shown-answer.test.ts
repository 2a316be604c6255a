import { expect, test } from '@jest/globals';
import { leftOutText } from './shown-answer.ts';

test('says what an answer does not have, and why', () => {
  const none = { unnamedRows: 0, onlyRegistered: false, mergedProjects: 0 };
  expect(leftOutText(none)).toBe('');
  expect(leftOutText({ ...none, unnamedRows: 3 })).toBe('3 rows name no project.');
  expect(leftOutText({ unnamedRows: 3, onlyRegistered: true, mergedProjects: 2 })).toBe(
    'The answer has too many rows: 3 of projects that nobody has registered, or that can be none, are left out. ' +
      'The answer has too many rows: those of 2 projects are one each, without dimensions.',
  );
});
