import { DEMO_BUCKET, DEMO_QUEUE } from '../object-store/names.ts';

/**
 * The demo's bucket, as an operator would declare it. The emulator is in memory: after a restart nearly everything is gone from
 * it, which a listing of any other bucket would rather not believe.
 *
 * @param endpoint of the emulator.
 */
export function demoDeclarations(endpoint: string): string {
  return `kind: Bucket
spec:
  name: demo
  bucket: ${DEMO_BUCKET}
  endpoint: ${endpoint}
  forcePathStyle: true
  notifications:
    kind: sqs
    # As the emulator itself names it; the address is that of AWS_ENDPOINT_URL_SQS.
    queueUrl: http://sqs.us-east-1.localhost:${new URL(endpoint).port}/000000000000/${DEMO_QUEUE}
  keys: '{organization}/{project}/…'
  types:
    - { pattern: 'scenes/{object_id}/…', type: scene }
    - { pattern: 'uploads/{object_id}', type: upload }
    - { pattern: 'logs/…', type: log }
  graceSeconds: 60
  maxVanishingPercent: 100
`;
}
