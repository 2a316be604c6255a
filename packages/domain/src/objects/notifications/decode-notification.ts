import { decodeEventBridgeEvent } from './decode-eventbridge-event.ts';
import { decodeS3Record } from './decode-s3-record.ts';
import type {
  DecodedChange,
  DecodedRecord,
  NotifiedChange,
  ReadRecord,
  RefusedReason,
} from './decoded-record.ts';
import { membersOf, NotBelieved } from './object-fields.ts';

/** A topic that a topic sends to, and one more: nobody wraps a message more often. */
const MAX_ENVELOPES = 3;

/** A control character, which JSON does not allow. */
const SUBSTITUTE = '\u001a';

/**
 * Reads a store's message, whichever of these it is: `{Records}` of AWS, MinIO, RustFS or Ceph; an event of EventBridge; the
 * test event that S3 sends when notifications are set up; or an SNS envelope around any of them.
 *
 * @returns one entry for each record; a record that is not understood does not harm its neighbours. At least one. Never throws.
 */
export function decodeNotification(text: string): readonly DecodedRecord[] {
  return decodeWithin(text, MAX_ENVELOPES);
}

function decodeWithin(text: string, envelopesLeft: number): readonly DecodedRecord[] {
  const refused = (reason: RefusedReason, detail: string): readonly DecodedRecord[] => [
    { kind: 'refused', reason, detail, text: storable(text) },
  ];
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return refused('not_json', 'the message is no JSON');
  }
  const members = membersOf(message);
  const { Records: records, Message: wrapped } = members;
  if (Array.isArray(records)) {
    if (records.length === 0) return [{ kind: 'ignored', reason: 'empty' }];
    return records.map((record: unknown) =>
      orRefused(() => decodeS3Record(record), { Records: [record] }, text),
    );
  }
  if (members.source === 'aws.s3' && members.detail !== undefined) {
    return [orRefused(() => decodeEventBridgeEvent(members), members, text)];
  }
  if (members.Event === 's3:TestEvent') return [{ kind: 'ignored', reason: 'test_event' }];
  if (members.Type === 'Notification' && typeof wrapped === 'string' && envelopesLeft > 0) {
    return decodeWithin(wrapped, envelopesLeft - 1);
  }
  return refused('unknown_shape', 'the message is no notification of a kind that is known');
}

function orRefused(read: () => ReadRecord, alone: object, whole: string): DecodedRecord {
  try {
    const record = read();
    return record.kind === 'change' ? new ChangeInMessage(record.change, alone, whole) : record;
  } catch (error) {
    if (!(error instanceof NotBelieved)) throw error;
    const { reason, message: detail } = error;
    return { kind: 'refused', reason, detail, text: asMessage(alone, whole) };
  }
}

/** Nearly all changes are applied, and nobody asks for their text: to write it for each would cost as much as to read it. */
class ChangeInMessage implements DecodedChange {
  readonly kind = 'change';
  readonly change: NotifiedChange;
  readonly #alone: object;
  readonly #whole: string;

  constructor(change: NotifiedChange, alone: object, whole: string) {
    this.change = change;
    this.#alone = alone;
    this.#whole = whole;
  }

  get text(): string {
    return asMessage(this.#alone, this.#whole);
  }
}

/** JSON.stringify recurses, which JSON.parse does not: what is nested too deep for it is kept as it came. */
function asMessage(alone: object, whole: string): string {
  try {
    return JSON.stringify(alone);
  } catch {
    return storable(whole);
  }
}

/**
 * Postgres holds neither U+0000 nor half of a surrogate pair. What takes their places is no JSON either: what was refused
 * must not become readable by being kept.
 */
function storable(text: string): string {
  return text.replaceAll('\u0000', SUBSTITUTE).replaceAll(/\p{Surrogate}/gu, SUBSTITUTE);
}
