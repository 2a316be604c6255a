import type { DeletedOwner } from '@odometer/database/objects/deleted-owners';
import type { PreparedEvent } from '../prepared-event.ts';
import type { ResolvedProject } from '../registry-cache.ts';

const TYPE = 'owner.deleted';

/**
 * The owner of objects that an event says is deleted for good: `{"objectType": "scene", "objectId": "7"}`, or the same with
 * underscores.
 *
 * @returns undefined for any other event; one sentence for an event that does not say whom.
 */
export function deletedOwner(
  { event: { type, data, source }, timeMs }: PreparedEvent,
  { projectId }: ResolvedProject,
): DeletedOwner | string | undefined {
  if (type !== TYPE) return undefined;
  const { objectType, objectId, object_type, object_id } = (
    typeof data === 'object' && data !== null ? data : {}
  ) as Readonly<Record<string, unknown>>;
  const named = name(objectType ?? object_type);
  const id = name(objectId ?? object_id);
  if (named === undefined) return 'data.objectType is no name';
  if (id === undefined) return 'data.objectId is neither text nor a whole number';
  return {
    projectId,
    objectType: named,
    objectId: id,
    deletedAtMs: timeMs,
    recordedBy: `event:${source}`,
  };
}

/** An id may be a number where it comes from, and is text in a key. */
function name(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' && value.length <= 1_024 ? value : undefined;
}
