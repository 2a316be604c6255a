import type { DeletedOwner } from '@odometer/database/objects/deleted-owners';
import type { PreparedEvent } from '../prepared-event.ts';
import type { ResolvedProject } from '../registry-cache.ts';

const TYPE = 'owner.deleted';

/**
 * The owner of objects that an event says is deleted for good: `{"objectType": "scene", "objectId": "7"}`, or the same with
 * underscores. Undefined for any other event, and for one that does not say whom; it is stored like any other.
 */
export function deletedOwner(
  { event: { type, data }, timeMs }: PreparedEvent,
  { projectId }: ResolvedProject,
): DeletedOwner | undefined {
  if (type !== TYPE || typeof data !== 'object' || data === null) return undefined;
  const { objectType, objectId, object_type, object_id } = data as Readonly<
    Record<string, unknown>
  >;
  const named = name(objectType ?? object_type);
  const id = name(objectId ?? object_id);
  if (named === undefined || id === undefined) return undefined;
  return { projectId, objectType: named, objectId: id, deletedAtMs: timeMs };
}

/** An id may be a number where it comes from, and is text in a key. */
function name(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' && value.length <= 1_024 ? value : undefined;
}
