import type { MappedRecord } from '../mapped-record.ts';
import type { DistributionWebhook } from '../webhook-declaration.ts';
import { imageOwnerFinder } from './image-owners.ts';
import { isOwnUserAgent } from './own-user-agent.ts';

type Members = Readonly<Record<string, unknown>>;

/** Which meter a transfer is for, by the registry's word for it. */
const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['push', 'docker_upload_bytes'],
  ['pull', 'docker_download_bytes'],
]);
/** What every blob is told as. */
const BLOB = 'application/octet-stream';
/** What happens in a registry and moves no bytes. */
const NO_TRANSFER: readonly unknown[] = ['mount', 'delete'];

/** The events of an envelope, `{"events": […]}`; undefined for what is none. */
export function distributionEvents(record: unknown): readonly unknown[] | undefined {
  return isMembers(record) && Array.isArray(record.events) ? record.events : undefined;
}

/**
 * Makes an event of a registry's notification: so many bytes of a blob or a manifest went in, or out. The id is the
 * notification's own, so a repeated delivery counts once.
 * https://distribution.github.io/distribution/about/notifications/
 *
 * Never throws.
 */
export function mapDistributionEvent(webhook: DistributionWebhook, record: unknown): MappedRecord {
  if (!isMembers(record)) return unmapped('the event is not a JSON object');
  const { id, timestamp, action } = record;
  if (NO_TRANSFER.includes(action)) return { kind: 'ignored' };
  const type = TYPES.get(action);
  if (type === undefined) return unmapped('the action is none that is known');
  // Whether something is there is asked before most transfers; it is no transfer.
  const request = isMembers(record.request) ? record.request : {};
  if (request.method === 'HEAD') return { kind: 'ignored' };
  const actor = isMembers(record.actor) ? record.actor.name : undefined;
  if (typeof actor === 'string' && webhook.ignoreActors.includes(actor)) return { kind: 'ignored' };

  const target = isMembers(record.target) ? record.target : {};
  if (isOwnRead(action, actor, request.useragent, target.mediaType)) return { kind: 'ignored' };
  const { repository, tag, digest } = target;
  // Registries before 2.0.1 have only the second name.
  const value = target.size ?? target.length;
  if (typeof id !== 'string' || id === '') return unmapped('the event has no id');
  if (typeof repository !== 'string') return unmapped('the event names no repository');
  if (!Number.isSafeInteger(value) || Number(value) < 0) return unmapped('the event has no size');
  const owner = ownerOf(webhook, repository, typeof tag === 'string' ? tag : undefined);
  if (owner === undefined) return unmapped('the repository, or the tag, maps to nobody');
  const event: Record<string, unknown> = {
    specversion: '1.0',
    id,
    source: `distribution/${webhook.name}`,
    type,
    subject: `${owner.organization}/${owner.project}`,
    data: { value, repository, ...(typeof digest === 'string' ? { digest } : {}) },
  };
  if (typeof timestamp === 'string') event.time = timestamp;
  return { kind: 'event', event };
}

/**
 * Odometer reads manifests, never layers, and where the registry asks for no user only its agent tells so. Anybody can call
 * himself that: he gets manifests for nothing, which are kilobytes.
 */
function isOwnRead(action: unknown, actor: unknown, agent: unknown, mediaType: unknown): boolean {
  const isAnonymous = actor === undefined || actor === '';
  const isManifest = typeof mediaType === 'string' && mediaType !== BLOB;
  return action === 'pull' && isAnonymous && isManifest && isOwnUserAgent(agent);
}

const finders = new WeakMap<DistributionWebhook, ReturnType<typeof imageOwnerFinder>>();

/** Templates are parsed once for each reading of the declarations. */
function ownerOf(webhook: DistributionWebhook, repository: string, tag: string | undefined) {
  let find = finders.get(webhook);
  if (find === undefined) {
    find = imageOwnerFinder(webhook.owners);
    finders.set(webhook, find);
  }
  return find(repository, tag);
}

function unmapped(reason: string): MappedRecord {
  return { kind: 'unmapped', reason };
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
