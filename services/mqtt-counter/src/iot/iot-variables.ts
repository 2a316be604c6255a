import { integer, optional, text, url, variable } from '@odometer/service-kit/config';

/** Where messages of AWS IoT Core come from; see docs/aws-iot.md. */
export const iotVariables = {
  iotQueueUrl: variable(
    'ODOMETER_IOT_QUEUE_URL',
    optional(url({ schemes: ['https', 'http'] })),
    'URL of the SQS queue that a rule of AWS IoT Core sends messages to. Given instead of MQTT_URL: one process takes messages in one way. Any number of processes may share the queue; a message counts once by its id.',
  ),
  iotRegion: variable(
    'ODOMETER_IOT_REGION',
    optional(text()),
    "Region of the queue, when its URL does not name it (an emulator's, for instance).",
  ),
  iotRoleArn: variable(
    'ODOMETER_IOT_ROLE_ARN',
    optional(text()),
    'Role to assume for the queue, when it belongs to another account. Without it the identity of the process: environment, IRSA, Pod Identity, instance.',
  ),
  iotReceivers: variable(
    'ODOMETER_IOT_RECEIVERS',
    integer({ min: 1, max: 64, default: 4 }),
    'Long polls at once. Each brings up to 10 messages a round trip, some hundreds a second; an idle one costs three requests a minute.',
  ),
} as const;

const REGION = /(?:^|\.)sqs(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d+)\./;

/** The region that the URL of a queue of AWS names; undefined for any other URL. */
export function regionOf(queueUrl: string): string | undefined {
  return REGION.exec(new URL(queueUrl).hostname)?.[1];
}
