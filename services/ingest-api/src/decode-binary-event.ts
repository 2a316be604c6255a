import type { IncomingHttpHeaders } from 'node:http';
import { parseJson } from '@odometer/intake/parse-json';
import { Refusal } from '@odometer/intake/refusal';
import { isJson, type MediaType } from '@odometer/service-kit/http/media-type';
import type { DecodedEvents } from './decoded-events.ts';

const PREFIX = 'ce-';

/**
 * Reads an event in binary mode (CloudEvents HTTP binding §3.1): each `ce-*` header is a context attribute, the body is
 * the data. Hand-written because the reference library, on this path, replaces a time it cannot parse by the present and
 * data it cannot parse by a string; both would be counted, and wrong.
 */
export function decodeBinaryEvent(
  headers: IncomingHttpHeaders,
  type: MediaType,
  body: Buffer,
): DecodedEvents | Refusal {
  const item: Record<string, unknown> = Object.create(null);
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue;
    const value = decodeHeaderValue(headers[name]);
    if (value === undefined) {
      return new Refusal('malformed', 'a ce- header is not valid percent-encoded UTF-8');
    }
    const attribute = name.slice(PREFIX.length);
    // The body is the data, and its media type the datacontenttype: no header may claim to be either.
    if (attribute === 'data' || attribute === 'datacontenttype') {
      return new Refusal('attribute', `${name} is not a context attribute in binary mode`);
    }
    item[attribute] = value;
  }
  if (body.length > 0) {
    if (!isJson(type)) return new Refusal('content_type', 'the data of an event must be JSON');
    const parsed = parseJson(body);
    if (parsed instanceof Refusal) return parsed;
    item.datacontenttype = type.essence;
    item.data = parsed.value;
  }
  // A percent-encoded header can hold any character, U+0000 included.
  return { items: [item], mayHoldBadText: true };
}

/** Undoes quoting and percent-encoding, as the binding's §3.1.3.2 has it. */
function decodeHeaderValue(header: string | string[] | undefined): string | undefined {
  let text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  if (text.length >= 2 && text.startsWith('"') && text.endsWith('"')) {
    text = text.slice(1, -1).replace(/\\(.)/g, '$1');
  }
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
