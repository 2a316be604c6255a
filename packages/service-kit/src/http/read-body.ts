import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

const INFLATE = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/**
 * A body that is too large is read on, and thrown away, up to this many times the limit: a client that is still sending
 * when the connection is closed sees a broken pipe instead of the answer.
 */
const MAX_DISCARDED = 4;

/** Why a body was not read; a value, because it is an ordinary outcome. */
export class UnreadBody {
  readonly code: 'malformed' | 'content_type' | 'too_large';
  /** A sentence for the client. */
  readonly reason: string;

  constructor(code: UnreadBody['code'], reason: string) {
    this.code = code;
    this.reason = reason;
  }
}

const NOT_INFLATABLE = new UnreadBody(
  'malformed',
  'the body is not what its content-encoding says',
);
const ENCODING = new UnreadBody(
  'content_type',
  'the content-encoding is not supported; send gzip, deflate, br or none',
);

/** The client went away before its request was complete. Nobody's fault, and nobody is there to be answered. */
export class ClientGone extends Error {}

/**
 * Reads a request's body, inflated. Both what arrives and what it inflates to are bounded, so that neither a large body
 * nor a small one that inflates to gigabytes takes the memory that all clients share.
 *
 * Written by hand instead of with express' parsers because it is on the path of every request and they take longer than
 * everything else in it.
 *
 * @throws ClientGone when the connection ended first.
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | UnreadBody> {
  const { headers } = request;
  const raw = await receive(request, maxBytes);
  if (raw === undefined) return tooLarge(maxBytes);
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return raw;
  if (!Object.hasOwn(INFLATE, encoding)) return ENCODING;
  try {
    return await INFLATE[encoding as keyof typeof INFLATE](raw, { maxOutputLength: maxBytes });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : NOT_INFLATABLE;
  }
}

function tooLarge(maxBytes: number): UnreadBody {
  return new UnreadBody('too_large', `the body is larger than ${maxBytes} bytes`);
}

/** @returns undefined when there is more than `maxBytes`; nothing is kept then. */
function receive(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      if (length > maxBytes * MAX_DISCARDED) {
        request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => {
      if (length > maxBytes) resolve(undefined);
      else resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', () => reject(new ClientGone()));
    request.on('close', () => {
      if (!request.complete) reject(new ClientGone());
    });
  });
}
