import type { IncomingHttpHeaders } from 'node:http';
import { parseJson } from '@odometer/intake/parse-json';
import { Refusal } from '@odometer/intake/refusal';
import { isJson, isUtf8Charset, parseMediaType } from '@odometer/service-kit/http/media-type';
import { decodeBinaryEvent } from './decode-binary-event.ts';
import type { DecodedEvents } from './decoded-events.ts';

/**
 * Reads a request of `POST /api/v1/events` in any of its four forms: structured (`application/cloudevents+json`, one
 * object), batch (`application/cloudevents-batch+json`, an array, possibly empty), plain (`application/json`, an object
 * or a non-empty array) and binary (context attributes in `ce-*` headers, the body is the data).
 *
 * The forms and their edge cases are those of OpenMeter's v1 API. Never throws.
 */
export function decodeEvents(headers: IncomingHttpHeaders, body: Buffer): DecodedEvents | Refusal {
  const type = parseMediaType(headers['content-type']);
  if (!isUtf8Charset(type)) {
    return new Refusal('content_type', 'the charset is not supported; send UTF-8');
  }
  switch (type.essence) {
    case 'application/cloudevents-batch+json':
      return decodeArray(body);
    case 'application/cloudevents+json':
      return decodeObject(body);
    default:
      if (headers['ce-id'] !== undefined || headers['ce-specversion'] !== undefined) {
        return decodeBinaryEvent(headers, type, body);
      }
      if (isJson(type) && !type.essence.endsWith('+json')) return decodePlain(body);
      return new Refusal(
        'content_type',
        'the content type is not supported; send application/cloudevents+json, application/cloudevents-batch+json or application/json',
      );
  }
}

function decodeArray(body: Buffer): DecodedEvents | Refusal {
  const parsed = parseJson(body);
  if (parsed instanceof Refusal) return parsed;
  if (!Array.isArray(parsed.value)) return new Refusal('malformed', 'the body is not an array');
  return { items: parsed.value, mayHoldBadText: parsed.mayHoldBadText };
}

function decodeObject(body: Buffer): DecodedEvents | Refusal {
  const parsed = parseJson(body);
  if (parsed instanceof Refusal) return parsed;
  if (Array.isArray(parsed.value)) {
    return new Refusal(
      'malformed',
      'the body is an array; send application/cloudevents-batch+json for several events',
    );
  }
  return { items: [parsed.value], mayHoldBadText: parsed.mayHoldBadText };
}

function decodePlain(body: Buffer): DecodedEvents | Refusal {
  const parsed = parseJson(body);
  if (parsed instanceof Refusal) return parsed;
  const items = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  if (items.length === 0) return new Refusal('malformed', 'no events found');
  return { items, mayHoldBadText: parsed.mayHoldBadText };
}
