/** An element with text; nothing for undefined. */
export function element(name: string, text: string | number | boolean | undefined): string {
  return text === undefined ? '' : `<${name}>${escaped(String(text))}</${name}>`;
}

/** The root of a listing. */
export function listing(name: string, ...inner: readonly string[]): string {
  return `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner.join('')}</${name}>`;
}

/** As S3 writes times in listings: to the second, with milliseconds that are always 0. */
export function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}.000Z`;
}

/**
 * How keys are written: with `encoding-type=url` as in a form, slashes apart, and otherwise plain, in which S3 writes
 * characters that XML 1.0 does not know as references.
 */
export function keyWriter(query: URLSearchParams): (key: string) => string {
  return query.get('encoding-type') === 'url' ? formEncoded : (key) => key;
}

function formEncoded(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/');
}

/** A number of the query, if it is there. */
export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  return text === null ? undefined : Number(text);
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what XML must not contain.
  return text.replace(/[&<>"\u0000-\u001f]/g, (char) => {
    return REFERENCES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`;
  });
}

/** Text of an element, as the SDK writes it. */
export function unescaped(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    )
    .replace(/&#(\d+);/g, (_, decimal: string) => String.fromCodePoint(Number(decimal)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
