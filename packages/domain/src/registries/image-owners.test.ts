import { expect, test } from '@jest/globals';
import { imageOwnerFinder, imageOwnersSchema } from './image-owners.ts';

test('the first rule that fits says whose it is', () => {
  const find = imageOwnerFinder(
    imageOwnersSchema.parse([
      { repository: 'shared/builds', organization: 'acme', tag: '{project}__…' },
      { repository: 'shared/builds', organization: 'acme', project: 'platform' },
      { repository: '{organization}/{project}/…' },
      { repository: '{organization}/{project}' },
    ]),
  );
  expect(find('shared/builds', 'robots__1')).toEqual({ organization: 'acme', project: 'robots' });
  expect(find('shared/builds', 'latest')).toEqual({ organization: 'acme', project: 'platform' });
  expect(find('shared/builds', undefined)).toEqual({ organization: 'acme', project: 'platform' });
  expect(find('acme/robots/web', 'latest')).toEqual({ organization: 'acme', project: 'robots' });
  expect(find('acme/robots', undefined)).toEqual({ organization: 'acme', project: 'robots' });
  expect(find('nginx', 'latest')).toBeUndefined();
});

test.each([
  [{ repository: 'apps' }],
  [{ repository: '{project}/…' }],
  [{ repository: '{project}/…', organization: 'acme', project: 'robots' }],
  [{ repository: '{project}/…', organization: 'acme', tag: '{project}-…' }],
  [{ repository: '{team}/…', organization: 'acme', project: 'robots' }],
  [{ repository: 'apps', organization: 'acme', tag: '{project}…' }],
])('%j says of no image whose it is, or says it twice', (rule) => {
  expect(imageOwnersSchema.safeParse([rule]).success).toBe(false);
});
