import { expect, test } from '@jest/globals';
import { type BucketPlace, isSameBucket, withoutSameBuckets } from './same-bucket.ts';

const aws: BucketPlace = { bucket: 'assets', region: 'us-east-1' };
const own: BucketPlace = { ...aws, endpoint: 'http://minio.example.com:9000' };

test.each([
  [aws, { ...aws, region: 'eu-central-1' }],
  [aws, { ...aws, account: '123456789012' }],
  [aws, { ...aws, endpoint: 'https://s3.eu-central-1.amazonaws.com' }],
  [aws, { ...aws, endpoint: 'https://vpce-1.s3.us-east-1.vpce.amazonaws.com' }],
  [own, { ...own, endpoint: 'http://minio.example.com:9000/' }],
  [own, { ...own, endpoint: 'HTTP://MinIO.example.com.:9000' }],
  [own, { ...own, region: 'eu-central-1', account: '123456789012' }],
  [
    { ...aws, endpoint: 'https://minio.example.com/s3' },
    { ...aws, endpoint: 'https://minio.example.com:443/s3/' },
  ],
])('%j and %j are one bucket', (a, b) => {
  expect(isSameBucket(a, b)).toBe(true);
  expect(isSameBucket(b, a)).toBe(true);
});

test.each([
  [aws, { ...aws, bucket: 'Assets' }],
  [aws, own],
  [aws, { ...aws, region: 'cn-north-1' }],
  [aws, { ...aws, region: 'us-gov-west-1' }],
  [own, { ...own, endpoint: 'http://minio.example.com:9001' }],
  [own, { ...own, endpoint: 'http://minio.example.com:9000/other' }],
  [aws, { ...aws, endpoint: 'https://notamazonaws.com' }],
])('%j and %j are two buckets', (a, b) => {
  expect(isSameBucket(a, b)).toBe(false);
  expect(isSameBucket(b, a)).toBe(false);
});

test('of what is declared twice the first one is left, wherever it stands', () => {
  const buckets = [
    { id: 3, declaration: { ...aws, region: 'eu-west-1' } },
    { id: 2, declaration: own },
    { id: 1, declaration: aws },
  ];
  expect(withoutSameBuckets(buckets).map(({ id }) => id)).toEqual([2, 1]);
});
