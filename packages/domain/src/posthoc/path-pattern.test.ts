import { expect, test } from '@jest/globals';
import { literalPrefix, pathMatcher } from './path-pattern.ts';

test.each([
  [
    'alb/2026/*.log.gz',
    'alb/2026/',
    ['alb/2026/a.log.gz'],
    ['alb/2026/x/a.log.gz', 'alb/2026/axlog.gz'],
  ],
  [
    'a/lb_2026T1?*.log',
    'a/lb_2026T1',
    ['a/lb_2026T10.log', 'a/lb_2026T15Z_x.log'],
    ['a/lb_2026T1.log'],
  ],
  ['a/**/x.log', 'a/', ['a/x.log', 'a/b/x.log', 'a/b/c/x.log'], ['a/bx.log', 'ax.log', 'a/x.log/']],
  ['a/**', 'a/', ['a/x', 'a/b/x'], ['a/', 'a/b/']],
  ['a+(b)/$1.log', 'a+(b)/$1.log', ['a+(b)/$1.log'], ['aab/$1.log']],
  ['é?/😀.log', 'é', ['éa/😀.log', 'é😀/😀.log'], ['é/😀.log']],
])('%s is listed by %s', (pattern, prefix, matching, others) => {
  expect(literalPrefix(pattern)).toBe(prefix);
  const matches = pathMatcher(pattern);
  expect([...matching, ...others].filter(matches)).toEqual(matching);
});
