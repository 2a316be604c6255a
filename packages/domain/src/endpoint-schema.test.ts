import { describe, expect, test } from '@jest/globals';
import { crossCheckDeclarationSchema } from './cross-checks/cross-check-declaration.ts';
import { endpointSchema, regionSchema } from './endpoint-schema.ts';
import { bucketDeclarationSchema } from './objects/bucket-declaration.ts';
import { registryDeclarationSchema } from './registries/registry-declaration.ts';

test.each(['http://minio:9000', 'https://sqs.eu-central-1.amazonaws.com/123456789012/q'])(
  '%s is an endpoint',
  (text) => {
    expect(endpointSchema.parse(text)).toBe(text);
  },
);

const notEndpoints = [
  'file:///etc/passwd',
  'javascript:alert(1)',
  'ftp://store.example.com',
  'http://user:secret@store.example.com',
  'http://user@store.example.com',
  'http://store.example.com/?x=1',
  'http://store.example.com/#x',
  'store.example.com',
  '',
];
const notRegions = ['us-east-1/../..@evil', 'US-EAST-1', 'us east', '', 'a'.repeat(65)];

const queue = { kind: 'sqs', queueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/q' };
const bucket = { name: 'b', bucket: 'b', notifications: queue };
const ecr = { name: 'r', type: 'ecr', owners: [{ repository: '{organization}/{project}/…' }] };
const cloudwatch = { name: 'c', source: 'cloudwatch', region: 'us-east-1' };

const declared = {
  'endpoint of a bucket': (endpoint: string) =>
    bucketDeclarationSchema.safeParse({ ...bucket, endpoint }),
  'queueUrl of a bucket': (queueUrl: string) =>
    bucketDeclarationSchema.safeParse({ ...bucket, notifications: { ...queue, queueUrl } }),
  'endpoint of a registry': (endpoint: string) =>
    registryDeclarationSchema.safeParse({ ...ecr, endpoint }),
  'endpoint of a cross-check': (endpoint: string) =>
    crossCheckDeclarationSchema.safeParse({ ...cloudwatch, endpoint }),
};
describe.each(Object.entries(declared))('%s', (_what, parse) => {
  test('is an endpoint', () => {
    expect(parse('https://store.example.com:9000').success).toBe(true);
  });
  test.each(notEndpoints)('is not %j', (text) => {
    expect(parse(text).success).toBe(false);
  });
});

const regions = {
  'region of a bucket': (region: string) =>
    bucketDeclarationSchema.safeParse({ ...bucket, region }),
  'region of a queue': (region: string) =>
    bucketDeclarationSchema.safeParse({ ...bucket, notifications: { ...queue, region } }),
  'region of a registry': (region: string) =>
    registryDeclarationSchema.safeParse({ ...ecr, region }),
  'region of a cross-check': (region: string) =>
    crossCheckDeclarationSchema.safeParse({ ...cloudwatch, region }),
};
describe.each(Object.entries(regions))('%s', (_what, parse) => {
  test('is a region', () => {
    expect(parse('us-gov-west-1').success).toBe(true);
    expect(regionSchema.safeParse('garage').success).toBe(true);
  });
  test.each(notRegions)('is not %j', (text) => {
    expect(parse(text).success).toBe(false);
  });
});
