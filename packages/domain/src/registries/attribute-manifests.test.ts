import { expect, test } from '@jest/globals';
import { attributeManifests, type PresentManifest } from './attribute-manifests.ts';
import { imageOwnerFinder } from './image-owners.ts';

const hex = (letter: string) => letter.repeat(64);
const digest = (letter: string) => `sha256:${hex(letter)}`;
const manifest = (letter: string, tags: readonly string[], more: object = {}): PresentManifest => ({
  digest: digest(letter),
  tags,
  ...more,
});
const byTag = imageOwnerFinder([
  { repository: 'shared', organization: 'acme', tag: '{project}-…' },
]);

/** Projects by the letter of the digest. */
function projects(manifests: readonly PresentManifest[], find = byTag) {
  const { owners, ...rest } = attributeManifests('shared', manifests, find);
  return {
    ...rest,
    owners: Object.fromEntries(
      Array.from(owners, ([key, found]) => [key.slice(-1), found.map(({ project }) => project)]),
    ),
  };
}

test('an index’s images are its owners’, and those of their own tags', () => {
  const children = [digest('1'), digest('2'), digest('3')];
  expect(
    projects([manifest('a', ['one-1'], { children }), manifest('1', []), manifest('2', ['two-1'])]),
  ).toEqual({
    owners: { a: ['one'], 1: ['one'], 2: ['one', 'two'] },
    unmappedTags: [],
    missing: [digest('3')],
  });
});

test('what is about a manifest is its owners’, however it is tied to it', () => {
  expect(
    projects([
      manifest('a', ['one-1']),
      manifest('b', [], { subject: digest('a') }),
      manifest('c', [`sha256-${hex('b')}`], { children: [digest('d')] }),
      manifest('d', []),
      manifest('e', [`sha256-${hex('a')}.sig`]),
    ]).owners,
  ).toEqual({ a: ['one'], b: ['one'], c: ['one'], d: ['one'], e: ['one'] });
});

test('what maps to nobody is told', () => {
  expect(
    projects([manifest('a', ['odd']), manifest('b', []), manifest('c', ['one-1', 'two-1'])]),
  ).toEqual({
    owners: { a: [], b: [], c: ['one', 'two'] },
    unmappedTags: ['odd'],
    missing: [],
  });
});

test('whoever has the whole repository has what is left over, and not what hangs on others’ tags', () => {
  const find = imageOwnerFinder([
    { repository: 'shared', organization: 'acme', tag: '{project}-…' },
    { repository: 'shared', organization: 'acme', project: 'rest' },
  ]);
  expect(
    projects(
      [
        manifest('a', ['one-1'], { children: [digest('1')] }),
        manifest('1', []),
        manifest('b', []),
        manifest('c', ['odd']),
      ],
      find,
    ).owners,
  ).toEqual({ a: ['one'], 1: ['one'], b: ['rest'], c: ['rest'] });
});

test('indexes that name each other end', () => {
  expect(
    projects([
      manifest('a', ['one-1'], { children: [digest('b'), digest('a')] }),
      manifest('b', [], { children: [digest('a')] }),
    ]).owners,
  ).toEqual({ a: ['one'], b: ['one'] });
});
