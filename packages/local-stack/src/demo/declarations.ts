import { DEMO_BUCKET, DEMO_QUEUE } from '../object-store/names.ts';
import { LOOKBACK_HOURS } from './write-access-logs.ts';

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

/** The post-hoc metric over the demo's access logs, by its name for commands. */
export const DEMO_POSTHOC = 'demo-transfer';

/**
 * Bytes by the access logs of the demo's load balancer. The hours before its declaration are worked out, too, so that there is
 * something to see at once; files come minutes after their requests, so that two answers are enough.
 */
export const DEMO_POSTHOC_DECLARATION = `kind: PosthocMetric
spec:
  name: ${DEMO_POSTHOC}
  engine: duckdb
  eventType: data_transfer_bytes
  window: hour
  lookback: ${LOOKBACK_HOURS}
  revisions: [6m, 1h]
  sql: >-
    select split_part(split_part(request, ' ', 2), '/', 4) as organization,
      split_part(split_part(request, ' ', 2), '/', 5) as project,
      sum(received_bytes::bigint + sent_bytes::bigint) as value
    from logs
    where time::timestamp >= :start and time::timestamp < :end
    group by 1, 2
  columns:
    organization: organization
  source:
    type: directory
    path: AWSLogs/*/elasticloadbalancing/*/{yyyy}/{MM}/{dd}/*.log.gz
    lateHours: 1
    format:
      type: delimited
      delimiter: ' '
      escape: '\\'
      columns:
        [type, time, elb, client, target, request_processing_time, target_processing_time,
         response_processing_time, elb_status_code, target_status_code, received_bytes, sent_bytes,
         request, user_agent]
`;
