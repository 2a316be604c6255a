import type { TopicRejection } from '@odometer/domain/topic-template';

/**
 * Why a PUBLISH counts for nobody. A closed set: it labels a metric.
 *
 * - `invalid_utf8`: the part of the topic that names the owner is not UTF-8.
 * - `retained`: the broker replayed an old message; its publish was counted when it happened.
 * - `redelivered`: counted before, as the mark shows.
 * - `overflow`: QoS 0, while a flush could not be made durable and the memory for owners was used up.
 * - `unexpected_qos`: QoS 2, which our subscription does not allow.
 */
export type Rejection =
  | TopicRejection
  | 'invalid_utf8'
  | 'retained'
  | 'redelivered'
  | 'overflow'
  | 'unexpected_qos';

export const REJECTIONS: readonly Rejection[] = [
  'topic_outside_template',
  'empty_segment',
  'invalid_name',
  'invalid_utf8',
  'retained',
  'redelivered',
  'overflow',
  'unexpected_qos',
];
