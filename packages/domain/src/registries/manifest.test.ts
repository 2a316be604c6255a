import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseManifest } from './manifest.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const config = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: digest('c'),
  size: 100,
};
const layer = (letter: string, size: number, more: object = {}) => ({
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digest(letter),
  size,
  ...more,
});
const parse = (manifest: object) =>
  parseManifest(JSON.stringify({ schemaVersion: 2, ...manifest }));

describe('what lies in a registry because of a manifest', () => {
  test('an image’s configuration and layers, each once', () => {
    expect(parse({ config, layers: [layer('a', 1), layer('b', 2), layer('a', 1)] })).toEqual({
      kind: 'image',
      blobs: [
        { digest: digest('c'), sizeBytes: 100 },
        { digest: digest('a'), sizeBytes: 1 },
        { digest: digest('b'), sizeBytes: 2 },
      ],
    });
  });

  test.each([
    layer('f', 1_000, { urls: ['https://example.com/layer'] }),
    layer('f', 1_000, { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }),
    layer('f', 1_000, {
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    }),
  ])('a layer that lies elsewhere does not: %j', (foreign) => {
    expect(parse({ config, layers: [layer('a', 1), foreign] })).toMatchObject({
      blobs: [{ sizeBytes: 100 }, { sizeBytes: 1 }],
    });
  });

  test('an index has its manifests', () => {
    const manifests = [{ digest: digest('1') }, { digest: digest('2') }, { digest: digest('1') }];
    expect(parse({ manifests })).toEqual({ kind: 'index', children: [digest('1'), digest('2')] });
  });
});

describe('what is no image', () => {
  test.each([
    [{ config, layers: [layer('a', 1, { mediaType: 'application/vnd.in-toto+json' })] }],
    [{ config, layers: [], subject: { digest: digest('5') } }],
    [{ config, layers: [], artifactType: 'application/x-sig' }],
    [{ config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' }, layers: [] }],
    [{ blobs: [layer('a', 1)] }],
  ])('%j', (manifest) => {
    expect(parse(manifest)).toMatchObject({ kind: 'artifact' });
  });

  test('Docker’s first format has no sizes', () => {
    expect(parse({ schemaVersion: 1, fsLayers: [] })).toEqual({ kind: 'schema1' });
  });
});

test.each([
  { config, layers: [layer('a', -1)] },
  { config, layers: [layer('a', 1.5)] },
  { config, layers: [layer('a', 2 ** 53)] },
  { config, layers: [{ digest: digest('a') }] },
  { config, layers: [{ digest: 'a', size: 1 }] },
  { config, layers: 'none' },
  { config, layers: [], subject: { digest: '../..' } },
  { manifests: [{}] },
])('%j is refused with a reason', (manifest) => {
  expect(typeof parse(manifest)).toBe('string');
});

test('anything at all is read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseManifest(text);
    }),
  );
});
