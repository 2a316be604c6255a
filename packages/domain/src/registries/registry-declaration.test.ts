import { describe, expect, test } from '@jest/globals';
import { isSameRegistry, registryDeclarationSchema } from './registry-declaration.ts';

const owners = [{ repository: '{organization}/{project}/…' }];
const ecr = { name: 'images', type: 'ecr', owners };
const oci = { name: 'own', type: 'oci', url: 'https://registry.example.com', owners };

test('what is stored can be parsed again', () => {
  for (const spec of [ecr, oci]) {
    const once = registryDeclarationSchema.parse(spec);
    expect(registryDeclarationSchema.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
  }
});

test.each([
  { ...oci, url: 'https://user:secret@registry.example.com' },
  { ...oci, url: 'https://registry.example.com/v2/' },
  { ...oci, url: 'ftp://registry.example.com' },
  { ...oci, url: 'registry.example.com' },
  { ...oci, credentialsEnv: 'DATABASE_URL' },
  { ...oci, repositories: ['../admin'] },
  { ...oci, repositories: [] },
  { ...oci, owners: [] },
  { ...oci, region: 'eu-central-1' },
  { ...ecr, registryId: '1' },
  { ...ecr, url: 'https://registry.example.com' },
  { ...ecr, name: 'Images' },
])('%j is refused', (spec) => {
  expect(registryDeclarationSchema.safeParse(spec).success).toBe(false);
});

describe('the same registry twice', () => {
  const same = (a: object, b: object) =>
    isSameRegistry(registryDeclarationSchema.parse(a), registryDeclarationSchema.parse(b));

  test.each([
    [oci, { ...oci, url: 'https://registry.example.com:443' }],
    [oci, { ...oci, repositories: ['acme/web'] }],
    [ecr, { ...ecr, region: 'us-east-1' }],
  ])('%j and %j', (a, b) => {
    expect(same(a, b)).toBe(true);
    expect(same(b, a)).toBe(true);
  });

  test.each([
    [oci, ecr],
    [oci, { ...oci, url: 'https://registry.example.com:5000' }],
    [
      { ...oci, repositories: ['acme/web'] },
      { ...oci, repositories: ['acme/api'] },
    ],
    [ecr, { ...ecr, region: 'eu-central-1' }],
    [ecr, { ...ecr, registryId: '123456789012' }],
  ])('not %j and %j', (a, b) => {
    expect(same(a, b)).toBe(false);
    expect(same(b, a)).toBe(false);
  });
});
