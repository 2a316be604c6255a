import { describe, expect, test } from '@jest/globals';
import { readPage } from './read-page.ts';

const url = new URL('https://acme.eu.auth0.com/api/v2/logs?from=a&take=100');
const linked = { checkpoint: { parameter: 'from', next: { link: 'next' } } } as const;
const fielded = {
  items: 'data.items',
  checkpoint: { parameter: 'cursor', next: { field: 'paging.next' } },
} as const;
const last = { checkpoint: { parameter: 'after', next: { lastItem: 'id' } } } as const;

describe('where the next page begins', () => {
  test.each([
    ['<https://acme.eu.auth0.com/api/v2/logs?take=100&from=b>; rel="next"', 'b'],
    ['</api/v2/logs?from=b>; rel=next', 'b'],
    ['<https://x/?from=z>; rel="prev", <https://x/?from=b>; title="n, m"; rel="last next"', 'b'],
    [
      '<https://x/?from=Cg1HRUY3NEszUERFME40GgAiAQgCEj%2B%2F%3D>; rel="next"',
      'Cg1HRUY3NEszUERFME40GgAiAQgCEj+/=',
    ],
    ['<https://x/?from=b>; rel="prev"', undefined],
    [null, undefined],
  ])('the link %s', (link, next) => {
    expect(readPage(linked, [], link, url)).toEqual({ items: [], next });
  });

  test('a field of the page', () => {
    const page = (paging: unknown) => ({ data: { items: [{ id: 1 }] }, paging });
    expect(readPage(fielded, page({ next: 'b' }), null, url)).toMatchObject({ next: 'b' });
    expect(readPage(fielded, page({ next: 7 }), null, url)).toMatchObject({ next: '7' });
    for (const end of [{ next: null }, { next: '' }, {}, null]) {
      expect(readPage(fielded, page(end), null, url)).toMatchObject({ next: undefined });
    }
  });

  test('a field of the last item', () => {
    expect(readPage(last, [{ id: 'a' }, { id: 'b' }], null, url)).toMatchObject({ next: 'b' });
    expect(readPage(last, [], null, url)).toEqual({ items: [], next: undefined });
  });
});

describe('what is not a page is refused, with what is wrong', () => {
  test.each([
    [linked, { error: 'x' }, null, 'it is no list of items'],
    [linked, null, null, 'it is no list of items'],
    [linked, [{}, 'text'], null, 'its item 2 is no JSON object'],
    [
      linked,
      [{}],
      '<https://x/?cursor=b>; rel="next"',
      'its link to the next page does not have the parameter from',
    ],
    [fielded, [], null, 'it has no list of items at data.items'],
    [fielded, { data: { items: [] }, paging: { next: {} } }, null, 'its paging.next is no text'],
    // Rounded by JSON.parse: two checkpoints could be one.
    [
      fielded,
      { data: { items: [] }, paging: { next: 2 ** 53 } },
      null,
      'its paging.next is no text',
    ],
    [last, [{ id: 'a' }, {}], null, 'its last item has no id'],
    [last, [{ id: 'x'.repeat(3_000) }], null, 'its next checkpoint is longer than 2048 characters'],
  ])('%#', (declaration, page, link, problem) => {
    expect(readPage(declaration, page, link, url)).toBe(problem);
  });
});
