/**
 * What an event means for what is stored:
 *   created, removed: just that
 *   marked: a delete marker was put in front; it frees the null version if it took that one's place, and else nothing
 */
export type EventEffect =
  | 'created'
  | 'removed'
  | 'marked'
  | 'no_effect'
  | 'left_to_listing'
  | 'unknown_event'
  /** Creates or removes, and we do not know how: to ignore it would be to miscount. */
  | 'not_understood';

/** Without `s3:` in front, which self-hosted stores write and AWS does not. */
const EFFECTS: ReadonlyMap<string, EventEffect> = new Map([
  ['ObjectCreated:Put', 'created'],
  ['ObjectCreated:Post', 'created'],
  ['ObjectCreated:Copy', 'created'],
  ['ObjectCreated:CompleteMultipartUpload', 'created'],
  ['ObjectRemoved:Delete', 'removed'],
  ['ObjectRemoved:DeleteMarkerCreated', 'marked'],
  ['LifecycleExpiration:Delete', 'removed'],
  ['LifecycleExpiration:DeleteMarkerCreated', 'marked'],
  // MinIO and RustFS: what they tell below created and removed, and which is neither.
  ['ObjectCreated:PutRetention', 'no_effect'],
  ['ObjectCreated:PutLegalHold', 'no_effect'],
  ['ObjectCreated:PutTagging', 'no_effect'],
  ['ObjectCreated:DeleteTagging', 'no_effect'],
  ['ObjectRemoved:NoOP', 'no_effect'],
  // One event for any number of versions, which it does not name.
  ['ObjectRemoved:DeleteAllVersions', 'left_to_listing'],
  ['LifecycleDelMarkerExpiration:Delete', 'left_to_listing'],
  ['BucketRemoved:*', 'left_to_listing'],
  // Ceph's own. A copy from another zone is there as any other object is.
  ['ObjectSynced:Create', 'created'],
  ['ObjectLifecycle:Expiration:Current', 'removed'],
  ['ObjectLifecycle:Expiration:NonCurrent', 'removed'],
  ['ObjectLifecycle:Expiration:Noncurrent', 'removed'],
  ['ObjectLifecycle:Expiration:DeleteMarker', 'no_effect'],
  ['ObjectLifecycle:Expiration:AbortMPU', 'no_effect'],
  ['ObjectLifecycle:Expiration:AbortMultipartUpload', 'no_effect'],
  ['ObjectLifecycle:Transition:Current', 'no_effect'],
  ['ObjectLifecycle:Transition:NonCurrent', 'no_effect'],
  ['ObjectLifecycle:Transition:Noncurrent', 'no_effect'],
]);

/** Families whose members all change bytes, so that a new one must not pass unseen. */
const OF_BYTES = new Set([
  'ObjectCreated',
  'ObjectRemoved',
  'ObjectSynced',
  'LifecycleExpiration',
  'LifecycleDelMarkerExpiration',
  'ObjectLifecycle',
]);

/** Families whose members never do, new ones included. */
const NEVER_OF_BYTES = new Set([
  'BucketCreated',
  'IntelligentTiering',
  'LifecycleTransition',
  'ObjectAccessed',
  'ObjectAcl',
  'ObjectAnnotation',
  'ObjectRestore',
  'ObjectRetention',
  'ObjectTagging',
  'ObjectTransition',
  'ReducedRedundancyLostObject',
  'Replication',
  'Scanner',
]);

/** What Ceph calls replication is the arrival of a copy; on AWS it is a remark about one that is elsewhere. */
const OF_CEPH: ReadonlyMap<string, EventEffect> = new Map([['Replication:Create', 'created']]);

/** Never throws. @param eventName as it came, with or without `s3:` */
export function effectOf(eventName: string, isCeph: boolean): EventEffect {
  const name = eventName.startsWith('s3:') ? eventName.slice('s3:'.length) : eventName;
  const known = (isCeph ? OF_CEPH.get(name) : undefined) ?? EFFECTS.get(name);
  if (known !== undefined) return known;
  const family = name.split(':', 1)[0] ?? '';
  if (OF_BYTES.has(family)) return 'not_understood';
  return NEVER_OF_BYTES.has(family) ? 'no_effect' : 'unknown_event';
}
