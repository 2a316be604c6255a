import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { AwsClients } from '@odometer/aws/aws-clients';
import { FakeEcr } from '@odometer/testing/fake-ecr';
import {
  digestOf,
  imageManifest,
  indexManifest,
  type Pushed,
  type PushedManifest,
} from '@odometer/testing/push-image';
import { type RegistryFixture, registryFixture } from '../../../test/registry-fixture.ts';
import { connectRegistry } from './connect-registry.ts';

/** AWS' own SDK over the wire against a server that speaks ECR's protocol, measured into a real Postgres. */

const ecr = new FakeEcr();
const aws = new AwsClients();
let fixture: RegistryFixture;
let declaration: object;

beforeAll(async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  await ecr.start();
  fixture = await registryFixture((declaration) => connectRegistry(declaration, aws, {}));
  declaration = {
    name: 'ecr',
    type: 'ecr',
    region: 'eu-central-1',
    endpoint: ecr.url,
    owners: [{ repository: '{organization}/{project}/…' }],
    // Each test begins with an empty one.
    maxVanishingPercent: 100,
  };
  await fixture.declare(declaration);
}, 60_000);

beforeEach(() => {
  ecr.repositories.clear();
  ecr.calls.length = 0;
  ecr.onCall = () => undefined;
});

afterAll(async () => {
  await aws.stop();
  await ecr.stop();
  await fixture.close();
});

let made = 0;
function blob(sizeBytes: number): Pushed {
  made += 1;
  return { digest: digestOf(`blob ${made}`), sizeBytes };
}

function image(layers: readonly Pushed[], config = blob(500)) {
  const manifest = imageManifest(config, layers);
  return { manifest, saidBytes: total(...layers), parts: [config, ...layers, manifest] };
}

function total(...parts: readonly Pushed[]): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function acme() {
  return (await fixture.levels())['acme/robots'];
}

test('three tags on one image, and one without any', async () => {
  const tagged = image([blob(1_000)]);
  const untagged = image([blob(2_000)]);
  ecr.push('acme/robots/web', { ...tagged, tags: ['1', '1.0', 'latest'] });
  ecr.push('acme/robots/web', { ...untagged, tags: [] });
  expect(await fixture.measure('ecr')).toMatchObject({
    repositories: 1,
    images: '2',
    providerBytes: '3000',
  });
  expect(await acme()).toEqual({
    bytes: total(...tagged.parts, ...untagged.parts),
    images: 2,
    providerBytes: 3_000,
  });
});

test('an index, its images, and one of them deleted', async () => {
  const [amd64, arm64] = [image([blob(1_000)]), image([blob(3_000)])];
  const index = indexManifest([amd64.manifest, arm64.manifest]);
  ecr.push('acme/robots/web', { ...amd64, tags: [] });
  ecr.push('acme/robots/web', { ...arm64, tags: [] });
  // As AWS has it: the largest of them.
  ecr.push('acme/robots/web', { manifest: index, saidBytes: 3_000, tags: ['latest'] });
  await fixture.measure('ecr');
  const bytes = total(...amd64.parts, ...arm64.parts, index);
  expect(await acme()).toEqual({ bytes, images: 2, providerBytes: 7_000 });

  ecr.repositories.get('acme/robots/web')?.delete(arm64.manifest.digest);
  expect(await fixture.measure('ecr')).toMatchObject({ missingManifests: 1 });
  expect(await acme()).toMatchObject({ bytes: bytes - total(...arm64.parts), images: 1 });
});

test('layers that images and repositories share count once', async () => {
  const [base, config] = [blob(50_000), blob(400)];
  const images = [image([base, blob(10)], config), image([base, blob(20)]), image([base], config)];
  const repositories = ['acme/robots/web', 'acme/robots/web', 'acme/robots/api'];
  for (const [index, each] of images.entries()) {
    ecr.push(repositories[index] ?? '', { ...each, tags: [`t${index}`] });
  }
  await fixture.measure('ecr');
  const parts = new Map(images.flatMap((each) => each.parts).map((part) => [part.digest, part]));
  expect(await acme()).toEqual({
    bytes: total(...parts.values()),
    images: 3,
    providerBytes: 150_030,
  });
});

test('what is archived is stored: known manifests by their blobs, others by AWS’ own figure', async () => {
  const [known, unknown] = [image([blob(1_000)]), image([blob(2_000)])];
  const stored = ecr.push('acme/robots/web', { ...known, tags: ['1'] });
  await fixture.measure('ecr');
  ecr.push('acme/robots/web', { ...stored, isArchived: true });
  ecr.push('acme/robots/web', { ...unknown, tags: ['2'], isArchived: true });
  expect(await fixture.measure('ecr')).toMatchObject({ archivedImages: 2, unsizedManifests: 1 });
  expect(await acme()).toMatchObject({ bytes: total(...known.parts) + 2_000, images: 2 });
});

test('attestations and referrers take room once, and are no images', async () => {
  const main = image([blob(1_000)]);
  const subject = {
    mediaType: main.manifest.mediaType,
    digest: main.manifest.digest,
    size: main.manifest.sizeBytes,
  };
  const layer = blob(77);
  const empty = blob(2);
  const signature = imageManifest(empty, [layer], { subject, artifactType: 'application/x-sig' });
  ecr.push('acme/robots/web', { ...main, tags: ['latest'] });
  ecr.push('acme/robots/web', {
    manifest: signature,
    saidBytes: 77,
    tags: [],
    subject: main.manifest.digest,
    artifactMediaType: 'application/x-sig',
  });
  await fixture.measure('ecr');
  expect(await acme()).toMatchObject({
    bytes: total(...main.parts, signature, layer, empty),
    images: 1,
  });
});

test('more than 1,000 images, and the manifests of none are read twice', async () => {
  const base = blob(5_000);
  let bytes = base.sizeBytes;
  for (let index = 0; index < 2_345; index += 1) {
    const each = image([base]);
    bytes += total(...each.parts) - base.sizeBytes;
    ecr.push('acme/robots/many', { ...each, tags: [`t${index}`] });
  }
  await fixture.measure('ecr');
  expect(await acme()).toMatchObject({ bytes, images: 2_345 });
  expect(ecr.callsOf('DescribeImages')).toHaveLength(3);
  expect(ecr.callsOf('BatchGetImage')).toHaveLength(24);
  await fixture.measure('ecr');
  expect(await acme()).toMatchObject({ bytes, images: 2_345 });
  expect(ecr.callsOf('BatchGetImage')).toHaveLength(24);
});

test('an image of Docker’s first format counts with AWS’ own figure', async () => {
  const text = JSON.stringify({ schemaVersion: 1, fsLayers: [{ blobSum: digestOf('x') }] });
  const manifest: PushedManifest = {
    digest: digestOf('signed'),
    sizeBytes: text.length,
    mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
    text,
  };
  ecr.push('acme/robots/old', { manifest, saidBytes: 4_321, tags: ['1'] });
  expect(await fixture.measure('ecr')).toMatchObject({ unsizedManifests: 1 });
  expect(await acme()).toEqual({ bytes: 4_321, images: 1, providerBytes: 4_321 });
});

test('a repository that is deleted while it is measured is gone, and the others count', async () => {
  const [web, api] = [image([blob(1_000)]), image([blob(2_000)])];
  ecr.push('acme/robots/api', { ...api, tags: ['1'] });
  ecr.push('acme/robots/web', { ...web, tags: ['1'] });
  ecr.push('acme/robots/zzz', { ...image([blob(10)]), tags: ['1'] });
  ecr.onCall = ({ operation, input }) => {
    if (operation === 'DescribeImages') ecr.repositories.delete('acme/robots/zzz');
    if (operation === 'BatchGetImage' && input.repositoryName === 'acme/robots/web') {
      ecr.repositories.delete('acme/robots/web');
    }
    return undefined;
  };
  await fixture.measure('ecr');
  expect(await acme()).toMatchObject({ bytes: total(...api.parts), images: 1 });
});

test('a tag that moves, and an image that is deleted, between the listing and the reading', async () => {
  const [first, second, deleted] = [image([blob(1_000)]), image([blob(2_000)]), image([blob(9)])];
  const before = ecr.push('acme/robots/web', { ...first, tags: ['latest'] });
  const after = ecr.push('acme/robots/web', { ...second, tags: [] });
  ecr.push('acme/robots/web', { ...deleted, tags: ['old'] });
  ecr.onCall = ({ operation }) => {
    if (operation === 'BatchGetImage') {
      before.tags = [];
      after.tags = ['latest'];
      ecr.repositories.get('acme/robots/web')?.delete(deleted.manifest.digest);
    }
    return undefined;
  };
  await fixture.measure('ecr');
  expect(await acme()).toMatchObject({ bytes: total(...first.parts, ...second.parts), images: 2 });
});

test('throttling is waited out and counted', async () => {
  const each = image([blob(1_000)]);
  ecr.push('acme/robots/web', { ...each, tags: ['1'] });
  let refusals = 2;
  ecr.onCall = ({ operation }) => {
    if (operation !== 'DescribeImages' || refusals === 0) return undefined;
    refusals -= 1;
    return { status: 400, type: 'ThrottlingException' };
  };
  await fixture.measure('ecr');
  expect(aws.throttledRequests).toEqual([[{ api: 'ecr', account: 'own' }, 2]]);
  expect(await acme()).toMatchObject({ bytes: total(...each.parts), images: 1 });
});

test.each([
  ['ExpiredTokenException', 'target_denied'],
  ['AccessDeniedException', 'target_denied'],
  ['InvalidParameterException', 'target_invalid'],
])('%s is no reading: levels stay as they are', async (type, code) => {
  const each = image([blob(1_000)]);
  ecr.push('acme/robots/web', { ...each, tags: ['1'] });
  await fixture.measure('ecr');
  const before = await fixture.levels();
  ecr.push('acme/robots/web', { ...image([blob(7)]), tags: ['2'] });
  ecr.onCall = ({ operation }) =>
    operation === 'DescribeImages' ? { status: 400, type } : undefined;
  await expect(fixture.measure('ecr')).rejects.toMatchObject({ code });
  expect(await fixture.levels()).toEqual(before);
});

test('what was read before it failed is not read again, and counts once', async () => {
  const images = Array.from({ length: 9 }, () => image([blob(100)]));
  for (const [index, each] of images.entries()) {
    ecr.push(`acme/robots/r${index}`, { ...each, tags: ['1'] });
  }
  ecr.onCall = ({ operation, input }) =>
    operation === 'DescribeImages' && input.repositoryName === 'acme/robots/r6'
      ? { status: 400, type: 'AccessDeniedException' }
      : undefined;
  await expect(fixture.measure('ecr')).rejects.toMatchObject({ code: 'target_denied' });
  ecr.calls.length = 0;
  ecr.onCall = () => undefined;
  expect(await fixture.measure('ecr')).toMatchObject({ repositories: 9 });
  expect(ecr.callsOf('DescribeImages')).toHaveLength(5);
  expect(await acme()).toMatchObject({
    bytes: total(...images.flatMap(({ parts }) => parts)),
    images: 9,
  });
});

test('what was read by another declaration is not mixed with what is read by this one', async () => {
  const each = image([blob(100)]);
  for (let index = 0; index < 6; index += 1) {
    ecr.push(`acme/other/r${index}`, { ...each, tags: ['1'] });
  }
  ecr.onCall = ({ operation, input }) =>
    operation === 'DescribeImages' && input.repositoryName === 'acme/other/r5'
      ? { status: 400, type: 'AccessDeniedException' }
      : undefined;
  await expect(fixture.measure('ecr')).rejects.toMatchObject({ code: 'target_denied' });
  ecr.onCall = () => undefined;
  await fixture.declare({
    ...declaration,
    owners: [{ repository: 'acme/{project}/…', organization: 'new' }],
  });
  expect(await fixture.measure('ecr')).toMatchObject({ repositories: 6 });
  const levels = await fixture.levels();
  expect(levels['acme/other']).toBeUndefined();
  expect(levels['new/other']).toMatchObject({ bytes: total(...each.parts), images: 1 });
});

test('a registry that is declared twice counts once', async () => {
  await fixture.declare({ ...declaration, name: 'ecr-again' });
  await expect(fixture.measure('ecr-again')).rejects.toMatchObject({ code: 'measurement_refused' });
});
