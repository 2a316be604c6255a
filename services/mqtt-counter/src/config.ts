import { queueAccount } from '@odometer/aws/queue-account';
import { isSourceName } from '@odometer/domain/batch';
import { parseTopicTemplate, readTopic, type TopicTemplate } from '@odometer/domain/topic-template';
import {
  boolean,
  type ConfigOf,
  integer,
  optional,
  secret,
  text,
  url,
  variable,
} from '@odometer/service-kit/config';
import { postgresVariables } from '@odometer/service-kit/postgres-variables';
import { redisVariables } from '@odometer/service-kit/redis-variables';
import { serviceVariables } from '@odometer/service-kit/service-variables';

import { iotVariables, regionOf } from './iot/iot-variables.ts';
import { filterProblems } from './own-filter.ts';

const DAY_S = 86_400;

export const variables = {
  ...serviceVariables,
  ...postgresVariables,
  ...redisVariables,
  mqttUrl: variable(
    'MQTT_URL',
    optional(url({ schemes: ['mqtt', 'mqtts'] })),
    'Where the broker is: mqtt://host:1883, or mqtts://host:8883 with TLS. It must speak MQTT 5, keep sessions, and redeliver in order. Required, unless ODOMETER_IOT_QUEUE_URL is given.',
  ),
  username: variable(
    'ODOMETER_MQTT_USERNAME',
    optional(text()),
    'User at the broker, when it is not in MQTT_URL.',
  ),
  password: variable(
    'ODOMETER_MQTT_PASSWORD',
    optional(secret()),
    'Password at the broker, when it is not in MQTT_URL.',
  ),
  tlsCaFile: variable(
    'ODOMETER_MQTT_TLS_CA_FILE',
    optional(text()),
    "PEM file with the authority that signed the broker's certificate; without it those that Node trusts. Read at every connect, as the two below.",
  ),
  tlsCertificateFile: variable(
    'ODOMETER_MQTT_TLS_CERTIFICATE_FILE',
    optional(text()),
    'PEM file with our client certificate.',
  ),
  tlsKeyFile: variable(
    'ODOMETER_MQTT_TLS_KEY_FILE',
    optional(text()),
    "PEM file with the client certificate's key.",
  ),
  clientId: variable(
    'ODOMETER_MQTT_CLIENT_ID',
    text({ default: 'odometer-mqtt-counter' }),
    'Client id, and the name of this source for ever: the broker keeps what is not counted under it, and the mark is stored under it. One process at a time may use it at a broker, of whichever installation; a second one takes over. A new name begins without what waits under the old one.',
  ),
  topicTemplate: variable(
    'ODOMETER_MQTT_TOPIC_TEMPLATE',
    text({ default: 'roboticks/{organization}/{project}/{device}/#' }),
    'Where topics name whose message it is. {project} is required; without {organization} all belongs to "default"; + is a segment that does not matter.',
  ),
  outboundSegments: variable(
    'ODOMETER_MQTT_OUTBOUND_SEGMENTS',
    text({ default: 'commands,cmd,down' }),
    'A message is outbound (cloud to device) when the segment after the last name of the template is one of these, separated by commas; else it is inbound. The broker should let devices publish inbound topics only.',
  ),
  filter: variable(
    'ODOMETER_MQTT_FILTER',
    optional(text()),
    "What this instance counts, when several share the traffic: a filter within the template, such as roboticks/acme/+/+/#. The filters of two instances must not overlap, or messages count twice. Without it the template's own. On an existing session the filter of former days is unsubscribed; a message between the two is missed.",
  ),
  filters: variable(
    'ODOMETER_MQTT_FILTERS',
    optional(text()),
    "Instead of a filter for each instance, those of all, separated by commas, for instances that differ by a number only (a StatefulSet's): the one whose client id ends with -0 counts the first. That none overlap is checked then.",
  ),
  perDevice: variable(
    'ODOMETER_MQTT_PER_DEVICE',
    boolean(true),
    'Whether messages are told apart by device: its daily usage, and when it was last seen. Without it flushes are smaller by the number of devices a project has, and a million devices cost nothing.',
  ),
  probeTopic: variable(
    'ODOMETER_MQTT_PROBE_TOPIC',
    text({ default: 'odometer/preflight' }),
    'Topic below which the check of the broker at start publishes 1,000 empty messages to itself. When access rules forbid it, the check is skipped with a warning.',
  ),
  keepaliveSeconds: variable(
    'ODOMETER_MQTT_KEEPALIVE_SECONDS',
    integer({ min: 2, max: 1_200, default: 30 }),
    'A broker that is silent for one and a half times this long is given up and connected again. Lower finds a dead network sooner.',
  ),
  sessionExpirySeconds: variable(
    'ODOMETER_MQTT_SESSION_EXPIRY_SECONDS',
    integer({ min: 60, max: 0xffff_fffe, default: 7 * DAY_S }),
    'How long the broker keeps messages for a counter that is away. A week outlasts a long weekend; longer, a client id that is no longer used fills the broker.',
  ),
  ...iotVariables,
} as const;

export type Config = ConfigOf<typeof variables>;

/** The configured template. @throws Error when it is not valid, which checkConfig has excluded */
export function topicTemplate(config: Config): TopicTemplate {
  const template = readTemplate(config);
  if (typeof template === 'string') throw new Error(template);
  return template;
}

/** The configured broker. @throws Error when there is none, which checkConfig has excluded */
export function brokerUrl(config: Config): string {
  if (config.mqttUrl === undefined) throw new Error('MQTT_URL is not set');
  return config.mqttUrl;
}

/** The configured queue of AWS IoT's rule, and how to get at it. @throws Error when there is none, or no region */
export function queueTarget(config: Config): {
  readonly queueUrl: string;
  readonly region: string;
  readonly roleArn: string | undefined;
  readonly account: string | undefined;
} {
  const { iotQueueUrl: queueUrl, iotRoleArn: roleArn } = config;
  if (queueUrl === undefined) throw new Error('ODOMETER_IOT_QUEUE_URL is not set');
  const region = config.iotRegion ?? regionOf(queueUrl);
  if (region === undefined) throw new Error('ODOMETER_IOT_REGION is not set');
  return { queueUrl, region, roleArn, account: queueAccount(queueUrl) };
}

/** Rules that span variables, and those that need more than a text. */
export function checkConfig(config: Config): readonly string[] {
  if (config.iotQueueUrl !== undefined) return checkIot(config, config.iotQueueUrl);
  const problems: string[] = [];
  if (config.mqttUrl === undefined) {
    problems.push('MQTT_URL or ODOMETER_IOT_QUEUE_URL is required: where messages come from');
  }
  if (!isSourceName(config.clientId)) {
    problems.push(
      'ODOMETER_MQTT_CLIENT_ID should be a DNS label (1 to 63 of a-z, 0-9 and -): it is a part of job ids',
    );
  }
  const template = readTemplate(config);
  if (typeof template === 'string') problems.push(`ODOMETER_MQTT_TOPIC_TEMPLATE: ${template}`);
  else if (typeof readTopic(template, `${config.probeTopic}/${config.clientId}`) !== 'string') {
    problems.push(
      'ODOMETER_MQTT_PROBE_TOPIC should be outside the template, or its messages would be counted',
    );
  } else problems.push(...filterProblems(config, template));
  if ((config.tlsCertificateFile === undefined) !== (config.tlsKeyFile === undefined)) {
    problems.push(
      'ODOMETER_MQTT_TLS_CERTIFICATE_FILE and ODOMETER_MQTT_TLS_KEY_FILE belong together',
    );
  }
  if (/[+#]/.test(config.probeTopic)) {
    problems.push('ODOMETER_MQTT_PROBE_TOPIC should be a topic, without + and #');
  }
  return problems;
}

/** What concerns a broker only is not looked at: its defaults would be wrong for no reason. */
function checkIot(config: Config, queueUrl: string): readonly string[] {
  const problems: string[] = [];
  if (config.mqttUrl !== undefined) {
    problems.push(
      'MQTT_URL and ODOMETER_IOT_QUEUE_URL exclude each other: one process takes messages in one way',
    );
  }
  if (config.filter !== undefined || config.filters !== undefined) {
    problems.push(
      "ODOMETER_MQTT_FILTER does nothing, nor ODOMETER_MQTT_FILTERS, with ODOMETER_IOT_QUEUE_URL: the rule's FROM says what is counted",
    );
  }
  if (config.iotRegion === undefined && regionOf(queueUrl) === undefined) {
    problems.push('ODOMETER_IOT_REGION is required: ODOMETER_IOT_QUEUE_URL does not name a region');
  }
  const template = readTemplate(config);
  if (typeof template === 'string') problems.push(`ODOMETER_MQTT_TOPIC_TEMPLATE: ${template}`);
  return problems;
}

function readTemplate(config: Config): TopicTemplate | string {
  const outbound = config.outboundSegments.split(',').map((segment) => segment.trim());
  return parseTopicTemplate(config.topicTemplate, outbound);
}
