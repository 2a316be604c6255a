/** What matters of a `Content-Type`: the essence in lower case, and the charset when one is named. */
export interface MediaType {
  readonly essence: string;
  readonly charset: string | undefined;
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)"?/i;

/**
 * Reads a `Content-Type` leniently: case, spaces and unknown parameters do not matter, a missing header is an empty
 * essence. OpenMeter compares the whole string and so refuses `; charset=utf-8`, which many HTTP clients add.
 */
export function parseMediaType(header: string | undefined): MediaType {
  if (header === undefined) return { essence: '', charset: undefined };
  const semicolon = header.indexOf(';');
  if (semicolon === -1) return { essence: header.trim().toLowerCase(), charset: undefined };
  return {
    essence: header.slice(0, semicolon).trim().toLowerCase(),
    charset: CHARSET.exec(header)?.[1]?.toLowerCase(),
  };
}

/** Whether a body of this type holds JSON: `application/json`, or a type with the suffix `+json`. */
export function isJson({ essence }: MediaType): boolean {
  return essence === 'application/json' || essence === 'text/json' || essence.endsWith('+json');
}

/** Whether the body is UTF-8 as far as the header says. JSON is UTF-8 by its RFC; ASCII is a part of it. */
export function isUtf8Charset({ charset }: MediaType): boolean {
  return (
    charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii'
  );
}
