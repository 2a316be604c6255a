import { messageFingerprint } from '@odometer/domain/message-key';
import {
  readTopic,
  type TopicRejection,
  type TopicTemplate,
} from '@odometer/domain/topic-template';
import type { IdentifiedMessage } from '@odometer/queues/catalogue';

/**
 * Why what a rule sent counts for nobody. A closed set: it labels a metric.
 *
 * - `invalid_body`: no JSON object with a topic.
 * - `invalid_id`: no id, or none of up to 128 visible ASCII characters.
 * - `invalid_size`: no size of the payload, or none that MQTT could carry.
 */
export type IotRejection = TopicRejection | 'invalid_body' | 'invalid_id' | 'invalid_size';

export const IOT_REJECTIONS: readonly IotRejection[] = [
  'topic_outside_template',
  'empty_segment',
  'invalid_name',
  'invalid_body',
  'invalid_id',
  'invalid_size',
];

/** AWS IoT's are UUIDs. The bound keeps a batch of a thousand below a megabyte. */
const ID = /^[\x21-\x7e]{1,128}$/;
/** The largest packet of MQTT, section 2.1.4 of its version 5. */
const MAX_PAYLOAD_BYTES = 268_435_455;

/**
 * Reads what a rule of AWS IoT sends for one message: `{"topic":"…","id":"…","bytes":123}`, where `bytes` is the size of the
 * payload (docs/aws-iot.md has the rule). Other members are ignored. Never throws, whatever the body.
 *
 * @param perDevice whether messages are told apart by device.
 * @param atMs when it arrived here: the hour in which it counts.
 */
export function readRuleMessage(
  body: string,
  template: TopicTemplate,
  perDevice: boolean,
  atMs: number,
): IdentifiedMessage | IotRejection {
  const members = parseObject(body);
  if (members === undefined) return 'invalid_body';
  const { topic, id, bytes } = members;
  if (typeof topic !== 'string') return 'invalid_body';
  const owner = readTopic(template, topic);
  if (typeof owner === 'string') return owner;
  if (typeof id !== 'string' || !ID.test(id)) return 'invalid_id';
  if (!isPayloadSize(bytes)) return 'invalid_size';
  const { organization, project, outbound } = owner;
  const device = perDevice ? (owner.device ?? '') : '';
  const sizeBytes = Buffer.byteLength(topic) + bytes;
  const fingerprint = messageFingerprint(topic, sizeBytes);
  return { organization, project, device, outbound, sizeBytes, id, fingerprint, atMs };
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

function isPayloadSize(bytes: unknown): bytes is number {
  return (
    typeof bytes === 'number' && Number.isInteger(bytes) && bytes >= 0 && bytes <= MAX_PAYLOAD_BYTES
  );
}
