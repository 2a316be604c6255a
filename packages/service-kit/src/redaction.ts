import { stdSerializers } from 'pino';

const HIDDEN = '[redacted]';

/** Names under which credentials travel, in any spelling: apiKey, API_KEY, api-key. */
const SECRET_KEY =
  /^(.*(password|passwd|secret|token|credentials?|private_?-?key|api_?-?key|access_?-?key)|authorization|proxy-authorization|cookie|set-cookie)$/i;

/** `scheme://user:password@`, up to the last @ before a slash: passwords are often not encoded. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s"'/]*@/gi;
const QUERY_CREDENTIALS =
  /\b((?:password|passwd|secret|token|access_token|api_?key|signature|sig)=)[^\s&"'\\]+/gi;
const BEARER = /\b(Bearer|Basic) +[\w.~+/=-]+/gi;

/** Deeper than any log entry we write; beyond it a cyclic or huge object would be copied. */
const MAX_DEPTH = 6;

/** Hides credentials inside a text: in URLs, in query or connection strings and after `Bearer`. */
export function redactText(text: string): string {
  return text
    .replace(URL_CREDENTIALS, `$1${HIDDEN}@`)
    .replace(QUERY_CREDENTIALS, `$1${HIDDEN}`)
    .replace(BEARER, `$1 ${HIDDEN}`);
}

/**
 * A copy of what is logged, with the values of secret-sounding keys hidden at every depth and errors unfolded into
 * type, message, stack and their own fields. It walks everything, which is affordable because we never log per message.
 */
export function redactFields(fields: object): Record<string, unknown> {
  return redactEntries(fields, 0);
}

function redactEntries(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      SECRET_KEY.test(key) && value !== undefined && value !== null
        ? HIDDEN
        : redactValue(value, depth),
    ]),
  );
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[too deep]';
  if (value instanceof Error) return redactEntries(stdSerializers.err(value), depth + 1);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`;
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return redactValue(value.toJSON(), depth + 1);
  }
  return redactEntries(value, depth + 1);
}
