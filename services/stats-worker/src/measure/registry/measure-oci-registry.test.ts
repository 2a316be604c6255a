import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ImagePusher,
  imageManifest,
  indexManifest,
  type Pushed,
  type PushedManifest,
} from '@odometer/testing/push-image';
import { startTestRegistry } from '@odometer/testing/test-registry';
import { type RegistryFixture, registryFixture } from '../../../test/registry-fixture.ts';
import { OciClient } from './oci-client.ts';

/** Docker's own registry, pushed to through its API, and measured into a real Postgres. */

let registry: Awaited<ReturnType<typeof startTestRegistry>>;
let fixture: RegistryFixture;

const credentials = { user: 'odometer', password: 'pass:word' };
/** By bcrypt, with few rounds. */
const HTPASSWD = 'odometer:$2b$04$abcdefghijklmnopqrstuu7govE5p0NSk1WUEk5C2Qm3hpPC6VJ66\n';

beforeAll(async () => {
  [registry, fixture] = await Promise.all([
    startTestRegistry(),
    registryFixture((declaration) => {
      if (declaration.type !== 'oci') throw new Error('not an OCI registry');
      return new OciClient(declaration, declaration.name === 'guarded' ? credentials : undefined);
    }),
  ]);
  await fixture.declare({
    name: 'images',
    type: 'oci',
    url: registry.url,
    owners: [
      { repository: '{organization}/{project}/…' },
      { repository: 'shared/builds', organization: 'acme', tag: '{project}__…' },
      { repository: 'legacy', organization: 'acme', project: 'robots' },
    ],
  });
}, 60_000);

afterAll(async () => {
  await fixture.close();
  await registry.stop();
});

function total(...parts: readonly Pushed[]): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function pusher(repository: string): ImagePusher {
  return new ImagePusher(registry.url, repository);
}

describe('a registry as it changes', () => {
  let base: Pushed;
  let config: Pushed;
  let web: PushedManifest;
  let drone: PushedManifest;

  test('an empty registry holds nothing for anybody', async () => {
    expect(await fixture.measure('images')).toMatchObject({
      repositories: 0,
      bytes: '0',
      images: '0',
    });
    expect(await fixture.levels()).toEqual({});
  });

  test('an image with three tags counts once: its configuration, its layers, its manifest', async () => {
    const to = pusher('acme/robots/web');
    base = await to.blob('b'.repeat(10_000));
    config = await to.blob('{"architecture":"amd64"}');
    web = imageManifest(config, [base, await to.blob('web layer')]);
    for (const tag of ['1', '1.0', 'latest']) await to.manifest(web, tag);
    const figures = await fixture.measure('images');
    const bytes = total(base, config, web) + 'web layer'.length;
    expect(figures).toMatchObject({
      repositories: 1,
      images: '1',
      bytes: String(bytes),
      providerBytes: null,
    });
    expect(await fixture.levels()).toEqual({
      'acme/robots': { bytes, images: 1, providerBytes: null },
    });
    expect(await fixture.takeUnread()).toEqual(['robots']);
  });

  test('a layer that several repositories of a project share counts once; of several projects once for each', async () => {
    const api = pusher('acme/robots/api');
    await api.mount(base, 'acme/robots/web');
    await api.mount(config, 'acme/robots/web');
    const apiImage = imageManifest(config, [base]);
    await api.manifest(apiImage, 'latest');
    const other = pusher('acme/drones/web');
    await other.mount(base, 'acme/robots/web');
    const otherConfig = await other.blob('{"architecture":"arm64"}');
    drone = await other.manifest(imageManifest(otherConfig, [base]), 'latest');

    const figures = await fixture.measure('images');
    const robots = total(base, config, web, apiImage) + 'web layer'.length;
    const drones = total(base, otherConfig, drone);
    expect(await fixture.levels()).toMatchObject({
      'acme/robots': { bytes: robots, images: 2 },
      'acme/drones': { bytes: drones, images: 1 },
    });
    expect(figures).toMatchObject({
      bytes: String(robots + drones - base.sizeBytes),
      attributedBytes: String(robots + drones),
    });
  });

  test('an index counts as its images, and what hangs on it untagged is found', async () => {
    const to = pusher('acme/multi/app');
    const layers = [await to.blob('amd64 layer'), await to.blob('arm64 layer')] as const;
    const configs = [await to.blob('{"a":1}'), await to.blob('{"a":2}')] as const;
    const amd64 = await to.manifest(imageManifest(configs[0], [layers[0]]));
    const arm64 = await to.manifest(imageManifest(configs[1], [layers[1]]));
    const attestation = imageManifest(configs[0], [], {
      layers: [
        {
          mediaType: 'application/vnd.in-toto+json',
          digest: layers[0].digest,
          size: layers[0].sizeBytes,
        },
      ],
    });
    await to.manifest(attestation);
    const index = await to.manifest(indexManifest([amd64, arm64, attestation]), 'latest');
    await fixture.measure('images');
    const bytes = total(...layers, ...configs, amd64, arm64, attestation, index);
    expect((await fixture.levels())['acme/multi']).toMatchObject({ bytes, images: 2 });

    await to.delete(arm64.digest);
    expect(await fixture.measure('images')).toMatchObject({ missingManifests: 1 });
    expect((await fixture.levels())['acme/multi']).toMatchObject({
      bytes: bytes - total(layers[1], configs[1], arm64),
      images: 1,
    });
  });

  test('a layer that lies elsewhere is not in the registry', async () => {
    const to = pusher('acme/windows/app');
    const own = await to.blob('own layer');
    const settings = await to.blob('{"os":"windows"}');
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: `sha256:${'1'.repeat(64)}`,
      size: 1_000_000,
      urls: ['https://example.com/layer'],
    };
    const image = imageManifest(settings, [own]);
    const text = JSON.stringify({
      ...JSON.parse(image.text),
      layers: [
        { mediaType: 'application/octet-stream', digest: own.digest, size: own.sizeBytes },
        foreign,
      ],
    });
    const withForeign = {
      ...image,
      text,
      sizeBytes: text.length,
      digest: `sha256:${hash('sha256', text)}`,
    };
    await to.manifest(withForeign, 'latest');
    await fixture.measure('images');
    expect((await fixture.levels())['acme/windows']).toMatchObject({
      bytes: total(own, settings, withForeign),
      images: 1,
    });
  });

  test('tags of one repository belong to projects; what maps to nobody is told and not dropped', async () => {
    const to = pusher('shared/builds');
    const settings = await to.blob('{"shared":1}');
    const images: PushedManifest[] = [];
    for (const [index, tag] of ['one__1', 'two__1', 'odd-tag'].entries()) {
      const image = imageManifest(settings, [await to.blob(`build ${index}`)]);
      images.push(await to.manifest(image, tag));
    }
    const stray = pusher('stray');
    await stray.manifest(imageManifest(await stray.blob('{"stray":1}'), []), 'latest');
    const figures = await fixture.measure('images');
    const levels = await fixture.levels();
    expect(levels['acme/one']).toMatchObject({
      bytes: total(settings, images[0] as Pushed) + 7,
      images: 1,
    });
    expect(levels['acme/two']).toMatchObject({
      bytes: total(settings, images[1] as Pushed) + 7,
      images: 1,
    });
    expect(figures).toMatchObject({
      unmappedRepositories: 1,
      unmappedRepositoryNames: ['stray'],
      unmappedTags: 1,
      unmappedTagNames: ['shared/builds:odd-tag'],
    });
    expect(Number(figures.unmappedBytes)).toBeGreaterThan(0);
  });

  test('a project that has nothing any more goes to 0, and its gauges are read', async () => {
    await fixture.takeUnread();
    await pusher('acme/drones/web').delete(drone.digest);
    await fixture.measure('images');
    expect((await fixture.levels())['acme/drones']).toEqual({
      bytes: 0,
      images: 0,
      providerBytes: null,
    });
    expect(await fixture.takeUnread()).toContain('drones');
    await fixture.measure('images');
    expect(await fixture.takeUnread()).not.toContain('drones');
  });

  test('measuring again finds the same, and reads no manifest again', async () => {
    const before = await fixture.levels();
    const { rows } = await fixture.pool.query<{ n: string }>('select count(*) n from manifests');
    expect(await fixture.measure('images')).toMatchObject({ projects: 5 });
    expect(await fixture.levels()).toEqual(before);
    const after = await fixture.pool.query<{ n: string }>(
      'select (select count(*) from manifests) n, (select count(*) from measured_images) left_over',
    );
    expect(after.rows[0]).toEqual({ n: rows[0]?.n, left_over: '0' });
  });
});

describe('a registry that lets in only whom it knows', () => {
  test('is measured with user and password, and refused without', async () => {
    const guarded = await startTestRegistry({ htpasswd: HTPASSWD });
    const basic = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
    const to = new ImagePusher(guarded.url, 'acme/secret/app', { Authorization: `Basic ${basic}` });
    await to.manifest(imageManifest(await to.blob('{"guarded":1}'), []), 'latest');
    const spec = {
      type: 'oci',
      url: guarded.url,
      repositories: ['acme/secret/app', 'acme/secret/gone'],
      owners: [{ repository: '{organization}/{project}/…' }],
    } as const;
    try {
      await fixture.declare({ ...spec, name: 'guarded' });
      expect(await fixture.measure('guarded')).toMatchObject({ repositories: 1, images: '1' });
      await fixture.declare({ ...spec, name: 'denied' });
      await expect(fixture.measure('denied')).rejects.toMatchObject({ code: 'target_denied' });
    } finally {
      await guarded.stop();
    }
  });
});
