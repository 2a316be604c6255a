import { hash } from 'node:crypto';
import { MultipartUploads } from './multipart-uploads.ts';
import { midnightSequencer, Sequencers } from './sequencers.ts';
import type { CreatedBy, EventName, StoreEvent } from './store-event.ts';
import type { StoredVersion } from './stored-version.ts';
import { VersionsByKey } from './versions-by-key.ts';

/** A bucket never returns to `unversioned`. */
export type Versioning = 'unversioned' | 'enabled' | 'suspended';

export interface SimulatedBucketOptions {
  readonly name: string;
  /** @default 'us-east-1' */
  readonly region?: string;
  /** @default 'unversioned' */
  readonly versioning?: Versioning;
  /** The store's clock, milliseconds since the epoch. */
  readonly now: () => number;
}

export interface PutOptions {
  /** @default 'Put' */
  readonly by?: CreatedBy;
  /** @default 'STANDARD' */
  readonly storageClass?: string;
}

/** Of nothing, which is also what S3 gives a delete marker. */
const EMPTY_ETAG = 'd41d8cd98f00b204e9800998ecf8427e';

/**
 * A bucket as S3 keeps it, without the bytes: what lies in it, in which versions, and what it tells of every change. Each
 * operation returns the events that S3 would send of it, in order; none when nothing happened.
 *
 * What a key holds, by the bucket's versioning:
 *   unversioned: nothing ⇄ one object, the null version
 *   enabled:     every put adds a version, every delete a delete marker; only deleting a version takes one away
 *   suspended:   as enabled, but puts and deletes replace the null version, object or marker
 */
export class SimulatedBucket {
  readonly name: string;
  readonly region: string;
  readonly uploads: MultipartUploads;
  readonly #now: () => number;
  readonly #sequencers = new Sequencers();
  readonly #versions = new VersionsByKey();
  #versioning: Versioning;
  #idsGiven = 0;

  constructor({ name, region, versioning, now }: SimulatedBucketOptions) {
    this.name = name;
    this.region = region ?? 'us-east-1';
    this.#versioning = versioning ?? 'unversioned';
    this.#now = now;
    this.uploads = new MultipartUploads(now, () => this.#newId('upload'));
  }

  get versioning(): Versioning {
    return this.#versioning;
  }

  /** @throws RangeError when asked to forget that there are versions, which S3 does not. */
  setVersioning(versioning: 'enabled' | 'suspended'): void {
    if (versioning === 'suspended' && this.#versioning === 'unversioned') {
      throw new RangeError('only a bucket with versioning can suspend it');
    }
    this.#versioning = versioning;
  }

  /** All there is, delete markers included: by key, the newest version first. */
  versions(): readonly StoredVersion[] {
    return this.keys().flatMap((key) => this.versionsOf(key));
  }

  /** Keys of which anything lies here, as S3 lists them. */
  keys(): readonly string[] {
    return this.#versions.keys();
  }

  /** Newest first. */
  versionsOf(key: string): readonly StoredVersion[] {
    return this.#versions.of(key);
  }

  /** What a plain GET would find; undefined when there is nothing, or a delete marker. */
  current(key: string): StoredVersion | undefined {
    const newest = this.versionsOf(key)[0];
    return newest?.isDeleteMarker === false ? newest : undefined;
  }

  /** What is billed as objects: every version that is no delete marker. Parts of uploads are not among them. */
  totals(): { readonly bytes: bigint; readonly objects: number } {
    let bytes = 0n;
    let objects = 0;
    for (const version of this.versions()) {
      if (version.isDeleteMarker) continue;
      bytes += BigInt(version.sizeBytes);
      objects += 1;
    }
    return { bytes, objects };
  }

  put(key: string, sizeBytes: number, options: PutOptions = {}): readonly StoreEvent[] {
    const { by = 'Put', storageClass = 'STANDARD' } = options;
    const version = this.#versioning === 'enabled' ? this.#newId('version') : '';
    const eTag =
      sizeBytes === 0 ? EMPTY_ETAG : hash('md5', `${this.#newId('content')}:${sizeBytes}`);
    const lastModifiedMs = this.#now();
    this.#versions.add({
      key,
      version,
      isDeleteMarker: false,
      sizeBytes,
      eTag,
      storageClass,
      lastModifiedMs,
    });
    return [this.#changed(`ObjectCreated:${by}`, key, version, { sizeBytes, eTag })];
  }

  /** Copies the current version. @throws RangeError when there is none. */
  copy(from: string, to: string): readonly StoreEvent[] {
    const source = this.#existing(from);
    return this.put(to, source.sizeBytes, { by: 'Copy', storageClass: source.storageClass });
  }

  /** What `uploads.start` began becomes an object. @throws RangeError when there is no such upload. */
  completeUpload(uploadId: string): readonly StoreEvent[] {
    const { key, parts, storageClass } = this.uploads.close(uploadId);
    const sizeBytes = [...parts.values()].reduce((sum, part) => sum + part.sizeBytes, 0);
    return this.put(key, sizeBytes, { by: 'CompleteMultipartUpload', storageClass });
  }

  /** A plain DELETE. Of nothing it is silent without versioning; with it, it leaves a delete marker all the same. */
  delete(key: string): readonly StoreEvent[] {
    if (this.#versioning === 'unversioned') return this.deleteVersion(key, '');
    return [this.#mark(key, 'ObjectRemoved:DeleteMarkerCreated')];
  }

  /** DELETE of one version, or of a delete marker; '' for the null version. Silent when it is not there. */
  deleteVersion(key: string, version: string): readonly StoreEvent[] {
    if (!this.#versions.remove(key, version)) return [];
    return [this.#changed('ObjectRemoved:Delete', key, version)];
  }

  /**
   * A lifecycle rule expires the current version. With `stampsMidnight` the sequencer is that of midnight UTC, as rules
   * with a date stamp it: older than a put of the same day, so that whoever believes sequencers keeps the object.
   */
  expire(key: string, { stampsMidnight = false } = {}): readonly StoreEvent[] {
    const [newest, ...older] = this.versionsOf(key);
    if (newest === undefined || (newest.isDeleteMarker && older.length > 0)) return [];
    const sequencer = stampsMidnight ? midnightSequencer(this.#now()) : undefined;
    if (this.#versioning !== 'unversioned' && !newest.isDeleteMarker) {
      return [this.#mark(key, 'LifecycleExpiration:DeleteMarkerCreated', sequencer)];
    }
    this.#versions.remove(key, newest.version);
    return [this.#changed('LifecycleExpiration:Delete', key, newest.version, {}, sequencer)];
  }

  /** A lifecycle rule removes all versions but the newest. */
  expireNoncurrent(key: string): readonly StoreEvent[] {
    const [, ...older] = this.versionsOf(key);
    return older.map(({ version }) => {
      this.#versions.remove(key, version);
      return this.#changed('LifecycleExpiration:Delete', key, version);
    });
  }

  /** Moves it to another storage class, which is no new object. @throws RangeError when there is none. */
  transition(key: string, storageClass: string): readonly StoreEvent[] {
    const current = this.#existing(key);
    this.#versions.replaceNewest({ ...current, storageClass });
    return [this.#told('LifecycleTransition', current, { eTag: current.eTag })];
  }

  /** A temporary copy from an archive: it has a size and a sequencer, and yet creates nothing. @throws RangeError when there is none. */
  restore(key: string): readonly StoreEvent[] {
    const current = this.#existing(key);
    const { sizeBytes, eTag } = current;
    return (['ObjectRestore:Post', 'ObjectRestore:Completed'] as const).map((name) =>
      this.#told(name, current, { sizeBytes, eTag, sequencer: this.#sequencers.next(this.#now()) }),
    );
  }

  /** Whatever else S3 tells of an object, and which changes nothing. @throws RangeError when there is none. */
  touch(
    key: string,
    name:
      | 'ObjectTagging:Put'
      | 'ObjectTagging:Delete'
      | 'ObjectAcl:Put'
      | 'ObjectRetention:Put'
      | 'ObjectAnnotation:Put',
  ): readonly StoreEvent[] {
    const current = this.#existing(key);
    return [this.#told(name, current, { eTag: current.eTag })];
  }

  #mark(
    key: string,
    name: 'ObjectRemoved:DeleteMarkerCreated' | 'LifecycleExpiration:DeleteMarkerCreated',
    sequencer?: string,
  ): StoreEvent {
    const version = this.#versioning === 'enabled' ? this.#newId('version') : '';
    this.#versions.add({
      key,
      version,
      isDeleteMarker: true,
      sizeBytes: 0,
      eTag: EMPTY_ETAG,
      storageClass: 'STANDARD',
      lastModifiedMs: this.#now(),
    });
    return this.#changed(name, key, version, { eTag: EMPTY_ETAG }, sequencer);
  }

  #existing(key: string): StoredVersion {
    const current = this.current(key);
    if (current === undefined) throw new RangeError(`there is no ${JSON.stringify(key)}`);
    return current;
  }

  #changed(
    name: EventName,
    key: string,
    version: string,
    fields: Pick<StoreEvent, 'sizeBytes' | 'eTag'> = {},
    sequencer: string = this.#sequencers.next(this.#now()),
  ): StoreEvent {
    return this.#told(name, { key, version }, { ...fields, sequencer });
  }

  #told(
    name: EventName,
    { key, version }: Pick<StoredVersion, 'key' | 'version'>,
    fields: Pick<StoreEvent, 'sizeBytes' | 'eTag' | 'sequencer'>,
  ): StoreEvent {
    const { name: bucket, region } = this;
    const ofVersion = version === '' ? {} : { version };
    return { bucket, region, name, key, ...ofVersion, ...fields, atMs: this.#now() };
  }

  /** Opaque, as S3's are: the order of ids says nothing of the order of time. */
  #newId(kind: string): string {
    this.#idsGiven += 1;
    const digest = hash('sha256', `${this.name}:${kind}:${this.#idsGiven}`, 'base64url');
    return digest.replaceAll(/[-_]/g, '.').slice(0, 32);
  }
}
