import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ERRORS, isOdometerError, OdometerError } from './errors.ts';
import { errorsMarkdown } from './errors-markdown.ts';

const documentation = new URL('../../../docs/errors.md', import.meta.url);

describe('OdometerError', () => {
  test('fills its message and carries what the registry says of its code', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new OdometerError(
      'component_start_failed',
      { component: 'redis', reason: 'refused {twice}' },
      { cause },
    );
    expect(error.message).toBe('redis did not start: refused {twice}');
    expect(error).toMatchObject({
      code: 'component_start_failed',
      kind: 'unavailable',
      retry: true,
    });
    expect(error.cause).toBe(cause);
  });

  test('is told from other errors, and by its code', () => {
    const error: unknown = new OdometerError('config_invalid', { count: 1, problems: 'x' });
    expect(isOdometerError(error)).toBe(true);
    expect(isOdometerError(error, 'config_invalid')).toBe(true);
    expect(isOdometerError(error, 'no_progress')).toBe(false);
    expect(isOdometerError(new Error('other'))).toBe(false);
  });
});

describe('the registry', () => {
  test('is sorted and its codes are snake_case', () => {
    const codes = Object.keys(ERRORS);
    expect(codes).toEqual([...codes].sort());
    for (const code of codes) expect(code).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
  });

  test('equals docs/errors.md; refresh that file with UPDATE_DOCS=1', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(documentation, errorsMarkdown());
    expect(readFileSync(documentation, 'utf8')).toBe(errorsMarkdown());
  });
});
