import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { program } from '../program.ts';
import { keyOf, sizeOf } from './synthetic-object.ts';

/**
 * A store with as many objects as it is told, which exist only while they are listed: ListObjectsV2 and GetBucketVersioning over
 * HTTP, a process of its own. `latencyMs` is what a request to S3 takes before its answer begins, and loopback does not.
 */

export interface StoreOptions {
  readonly objects: number;
  readonly latencyMs: number;
}

const PAGE = 1_000;
const LAST_MODIFIED = '2026-01-01T00:00:00.000Z';

/** The first object whose key is greater than `key`, or than all that begin with it. */
function indexAfter(key: string, objects: number): number {
  let low = 0;
  let high = objects;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(middle, objects) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function list(query: URLSearchParams, objects: number): string {
  const prefix = query.get('prefix') ?? '';
  if (query.get('delimiter') === '/') return commonPrefixes(prefix, objects);
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const from = indexAfter(after, objects);
  const to = Math.min(from + PAGE, objects);
  let contents = '';
  for (let index = from; index < to; index += 1) {
    contents += `<Contents><Key>${keyOf(index, objects)}</Key><LastModified>${LAST_MODIFIED}</LastModified><ETag>"0"</ETag><Size>${sizeOf(index)}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  }
  const isTruncated = to < objects;
  const next = isTruncated
    ? `<NextContinuationToken>${keyOf(to - 1, objects)}</NextContinuationToken>`
    : '';
  return `<ListBucketResult><Name>bench</Name><KeyCount>${to - from}</KeyCount><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${next}${contents}</ListBucketResult>`;
}

function commonPrefixes(prefix: string, objects: number): string {
  let found = '';
  let index = prefix === '' ? 0 : indexAfter(prefix, objects);
  while (index < objects) {
    const key = keyOf(index, objects);
    const end = key.indexOf('/', prefix.length);
    if (!key.startsWith(prefix) || end === -1) break;
    const common = key.slice(0, end + 1);
    found += `<CommonPrefixes><Prefix>${common}</Prefix></CommonPrefixes>`;
    index = indexAfter(`${common}\uffff`, objects);
  }
  return `<ListBucketResult><Name>bench</Name><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${found}</ListBucketResult>`;
}

await program<StoreOptions, 'url', string>(async ({ objects, latencyMs }) => {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (latencyMs > 0) await pause(latencyMs);
    const answer = url.searchParams.has('versioning')
      ? '<VersioningConfiguration/>'
      : url.searchParams.has('uploads')
        ? '<ListMultipartUploadsResult><Bucket>bench</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>'
        : list(url.searchParams, objects);
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${answer}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the store has no port');
  return async () => `http://127.0.0.1:${address.port}`;
});
