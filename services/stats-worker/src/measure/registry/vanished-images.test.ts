import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AwsClients } from '@odometer/aws/aws-clients';
import { FakeEcr } from '@odometer/testing/fake-ecr';
import { digestOf, imageManifest } from '@odometer/testing/push-image';
import { type RegistryFixture, registryFixture } from '../../../test/registry-fixture.ts';
import { connectRegistry } from './connect-registry.ts';

const signal = new AbortController().signal;
let ecr: FakeEcr;
let aws: AwsClients;
let fixture: RegistryFixture;

beforeEach(async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test';
  process.env.AWS_SECRET_ACCESS_KEY = 'test';
  ecr = new FakeEcr();
  aws = new AwsClients();
  await ecr.start();
  fixture = await registryFixture((declaration) => connectRegistry(declaration, aws, {}));
});
afterEach(async () => {
  await aws.stop();
  await ecr.stop();
  await fixture.close();
});

const declare = (change: object = {}) =>
  fixture.declare({
    name: 'images',
    type: 'ecr',
    endpoint: ecr.url,
    owners: [{ repository: '{organization}/{project}/…' }],
    ...change,
  });
/** One image each. */
const repositoryOf = (index: number) => `acme/robots/app-${index}`;
function push(images: number): void {
  for (let index = 0; index < images; index += 1) {
    const config = { digest: digestOf(`config ${index}`), sizeBytes: 100 };
    const manifest = imageManifest(config, []);
    ecr.push(repositoryOf(index), { manifest, saidBytes: 100, tags: ['1'] });
  }
}
function remove(from: number, to: number): void {
  for (let index = from; index < to; index += 1) ecr.repositories.delete(repositoryOf(index));
}
const robots = async () => (await fixture.levels())['acme/robots'];
const REFUSED = { code: 'measurement_refused' };

test('an empty catalogue sets nobody to 0, until an operator says that it is so', async () => {
  await declare();
  push(2);
  await fixture.measure('images');
  const before = await robots();
  ecr.repositories.clear();
  // However often it is read.
  for (let hour = 0; hour < 2; hour += 1) {
    await expect(fixture.measure('images')).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('2 of 2 images would vanish'),
    });
    expect(await robots()).toEqual(before);
  }
  await fixture.measure('images', signal, { acceptDrift: true });
  expect(await robots()).toMatchObject({ bytes: 0, images: 0 });
  // It is what is known now.
  await fixture.measure('images');
});

test('more than half of the images may not vanish at once; half may, and so may ten of a few', async () => {
  await declare();
  push(40);
  await fixture.measure('images');
  remove(0, 21);
  await expect(fixture.measure('images')).rejects.toMatchObject(REFUSED);
  expect(await robots()).toMatchObject({ images: 40 });
  push(1);
  await fixture.measure('images');
  expect(await robots()).toMatchObject({ images: 20 });
  remove(21, 30);
  await fixture.measure('images');
  remove(30, 39);
  await fixture.measure('images');
  expect(await robots()).toMatchObject({ images: 2 });
});

test('the share is declared: with 0 none may vanish, with 100 all may', async () => {
  await declare({ maxVanishingPercent: 0 });
  push(20);
  await fixture.measure('images');
  remove(0, 1);
  await expect(fixture.measure('images')).rejects.toMatchObject(REFUSED);
  await declare({ maxVanishingPercent: 100 });
  ecr.repositories.clear();
  await fixture.measure('images');
  expect(await robots()).toMatchObject({ bytes: 0, images: 0 });
});
