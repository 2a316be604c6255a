import type { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';
import { deleteMany, deleteOne } from './fake-s3/deletes.ts';
import { objectsResult } from './fake-s3/list-objects-result.ts';
import { partsResult, uploadsResult } from './fake-s3/list-uploads-result.ts';
import { versionsResult } from './fake-s3/list-versions-result.ts';
import { element } from './fake-s3/s3-xml.ts';
import {
  type Answer,
  type ServedRequest,
  startMisbehavingServer,
  xml,
  xmlError,
} from './misbehaving-server.ts';

export interface FakeS3Server {
  /** For clients with path style: no bucket is a host of its own. */
  readonly url: string;
  readonly requests: readonly ServedRequest[];
  /** Asked before the bucket is; undefined lets the request through. */
  misbehave: ((request: ServedRequest) => Answer | undefined) | undefined;
  close(): Promise<void>;
}

/**
 * The part of S3 that lists and deletes, in S3's own XML, over what lies in simulated buckets: ListObjectsV2,
 * ListObjectVersions, ListMultipartUploads, ListParts, GetBucketVersioning, HeadBucket, DeleteObject and DeleteObjects.
 * Anything else is answered 501.
 *
 * @param options.maxPage what a page has at most, below the 1,000 of S3: stores may give fewer than they are asked for
 * @param options.isPlain takes no notice of `encoding-type`, as some stores do: keys are written as they are
 * @param options.onEvents what the store would notify of deletions that came by HTTP
 */
export async function startFakeS3Server(
  buckets: readonly SimulatedBucket[],
  options: {
    readonly maxPage?: number;
    readonly isPlain?: boolean;
    readonly onEvents?: (events: readonly StoreEvent[]) => void;
  } = {},
): Promise<FakeS3Server> {
  const byName = new Map(buckets.map((bucket) => [bucket.name, bucket]));
  const { maxPage = 1_000, isPlain = false, onEvents = () => undefined } = options;

  const answer = (request: ServedRequest): Answer => {
    const [name = '', ...rest] = request.path.slice(1).split('/');
    const bucket = byName.get(decodeURIComponent(name));
    if (bucket === undefined) return xmlError(404, 'NoSuchBucket', 'The bucket does not exist');
    const key = decodeURIComponent(rest.join('/'));
    try {
      const query = new URLSearchParams(request.query);
      if (isPlain) query.delete('encoding-type');
      return answerOf(bucket, key, { ...request, query }, maxPage, onEvents);
    } catch (error) {
      // The simulator's way to say what S3 calls an invalid argument.
      if (error instanceof RangeError) return xmlError(400, 'InvalidArgument', error.message);
      throw error;
    }
  };
  const server = await startMisbehavingServer((request) => {
    return fake.misbehave?.(request) ?? answer(request);
  });
  const fake: FakeS3Server = {
    url: server.url,
    requests: server.requests,
    misbehave: undefined,
    close: () => server.close(),
  };
  return fake;
}

function answerOf(
  bucket: SimulatedBucket,
  key: string,
  request: ServedRequest,
  maxPage: number,
  onEvents: (events: readonly StoreEvent[]) => void,
): Answer {
  const { method, query } = request;
  const ofBucket = key === '';
  if (method === 'GET' && ofBucket) {
    if (query.has('versioning')) return xml(versioningOf(bucket));
    if (query.has('versions')) return xml(versionsResult(bucket, query, maxPage));
    if (query.has('uploads')) return xml(uploadsResult(bucket, query, maxPage));
    if (query.get('list-type') === '2') return xml(objectsResult(bucket, query, maxPage));
  }
  if (method === 'GET' && query.has('uploadId')) {
    const parts = partsResult(bucket, key, query, maxPage);
    return parts === undefined ? xmlError(404, 'NoSuchUpload') : xml(parts);
  }
  if (method === 'HEAD' && ofBucket) {
    const headers = { 'x-amz-bucket-region': bucket.region };
    return { kind: 'answer', status: 200, body: '', headers };
  }
  if (method === 'POST' && query.has('delete')) {
    const { body, events } = deleteMany(bucket, request.body);
    onEvents(events);
    return xml(body);
  }
  if (method === 'DELETE' && !ofBucket) {
    onEvents(deleteOne(bucket, key, query.get('versionId')));
    return { kind: 'answer', status: 204, body: '' };
  }
  return xmlError(501, 'NotImplemented', `${method} ${request.path} is not simulated`);
}

function versioningOf({ versioning }: SimulatedBucket): string {
  const status = { unversioned: '', enabled: 'Enabled', suspended: 'Suspended' }[versioning];
  const inner = status === '' ? '' : element('Status', status);
  return `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</VersioningConfiguration>`;
}
