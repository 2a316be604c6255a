/** Names as S3's own notifications have them; those below never change what a bucket holds. */
export type CreatedBy = 'Put' | 'Post' | 'Copy' | 'CompleteMultipartUpload';
export type EventName =
  | `ObjectCreated:${CreatedBy}`
  | `${'ObjectRemoved' | 'LifecycleExpiration'}:${'Delete' | 'DeleteMarkerCreated'}`
  | `ObjectRestore:${'Post' | 'Completed'}`
  | `ObjectTagging:${'Put' | 'Delete'}`
  | 'ObjectAcl:Put'
  | 'ObjectRetention:Put'
  | 'ObjectAnnotation:Put'
  | 'LifecycleTransition';

/**
 * What a bucket tells of one thing that happened in it, with just the fields that S3 sends of it; notification.ts writes it
 * down in the forms of different stores.
 */
export interface StoreEvent {
  readonly bucket: string;
  readonly region: string;
  readonly name: EventName;
  readonly key: string;
  /** Not there for the null version. */
  readonly version?: string;
  /** Only of what was created, or restored: no store tells the size of what it removed. */
  readonly sizeBytes?: number;
  readonly eTag?: string;
  /** As S3's own form has it, with 00 in front. */
  readonly sequencer?: string;
  readonly atMs: number;
}
