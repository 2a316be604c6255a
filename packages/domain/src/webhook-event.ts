import { parseEventTime } from './event-time.ts';
import { fieldAt, isMembers, type Members, textAt } from './field-path.ts';
import type { MappedRecord } from './mapped-record.ts';
import { distributionEvents, mapDistributionEvent } from './registries/distribution-event.ts';
import type { Auth0Webhook, HmacWebhook, WebhookDeclaration } from './webhook-declaration.ts';

/**
 * Makes an event of a webhook's record. The same record always gives the same event, with the provider's own id, so a
 * repeated delivery counts once. Never throws.
 */
export function mapWebhookRecord(webhook: WebhookDeclaration, record: unknown): MappedRecord {
  if (webhook.kind === 'distribution') return mapDistributionEvent(webhook, record);
  if (!isMembers(record)) return unmapped('the record is not a JSON object');
  const content = webhook.kind === 'auth0' ? auth0Content(record) : record;
  if (webhook.kind === 'auth0') {
    const logType = content.type;
    if (typeof logType !== 'string') return unmapped('the record has no log type');
    if (!webhook.logTypes.includes(logType)) return { kind: 'ignored' };
  }

  const { fields } = webhook;
  const id = textAt(content, fields.id);
  if (id === undefined) return unmapped('the field of the id is missing, or is not a text');
  const subject = subjectOf(webhook, content);
  if (subject === undefined) return unmapped('the field of the project is missing or not listed');

  const data: Record<string, unknown> = {};
  const user = fields.user === undefined ? undefined : textAt(content, fields.user);
  if (user !== undefined) data.user = user;
  if ('value' in fields && fields.value !== undefined) {
    const value = fieldAt(content, fields.value);
    if (value === undefined) return unmapped('the field of the value is missing');
    data.value = value;
  }
  const event: Record<string, unknown> = {
    specversion: '1.0',
    id,
    source: `${webhook.kind}/${webhook.name}`,
    type: webhook.type,
    subject,
    data,
  };
  const time = fields.time === undefined ? undefined : fieldAt(content, fields.time);
  if (time !== undefined) event.time = time;
  return { kind: 'event', event };
}

/** When a record says that it happened, milliseconds since the epoch; undefined: it does not. Never throws. */
export function recordTimeMs(webhook: WebhookDeclaration, record: unknown): number | undefined {
  if (webhook.kind === 'distribution' || !isMembers(record)) return undefined;
  const { time } = webhook.fields;
  const content = webhook.kind === 'auth0' ? auth0Content(record) : record;
  const text = time === undefined ? undefined : fieldAt(content, time);
  return typeof text === 'string' ? parseEventTime(text) : undefined;
}

/** Takes records out of what wraps them: a registry sends its events in an envelope. Never throws. */
export function unwrapRecords(
  webhook: WebhookDeclaration,
  records: readonly unknown[],
): readonly unknown[] {
  if (webhook.kind !== 'distribution') return records;
  return records.flatMap((record) => distributionEvents(record) ?? [record]);
}

function unmapped(reason: string): MappedRecord {
  return { kind: 'unmapped', reason };
}

/** Auth0 wraps a log in `{log_id, data}`; some of its exports do not. */
function auth0Content(record: Members): Members {
  if (!isMembers(record.data)) return record;
  return { ...record.data, log_id: record.data.log_id ?? record.log_id };
}

function subjectOf(webhook: Auth0Webhook | HmacWebhook, content: Members): string | undefined {
  const { project } = webhook.fields;
  if ('fixed' in project) return project.fixed;
  const value = textAt(content, project.field);
  if (value === undefined) return project.otherwise;
  if (project.names === undefined) return value;
  return Object.hasOwn(project.names, value) ? project.names[value] : project.otherwise;
}
