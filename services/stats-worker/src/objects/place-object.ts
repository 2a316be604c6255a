import { createHash } from 'node:crypto';
import type { ObjectOwner } from '@odometer/database/objects/move-objects';
import type { ProjectName } from '@odometer/database/registry';
import { readKey, typeOfKey } from '@odometer/domain/objects/key-template';
import type { Resolution } from '../registry-cache.ts';
import type { DeclaredBucket } from './bucket-catalogue.ts';

/** What an object's key says: the name of its owner, and what it is. */
export interface ObjectPlace {
  /** Undefined: the key is outside the bucket's template. */
  readonly owner: ProjectName | undefined;
  readonly type: string;
  readonly objectId: string | null;
}

/** Outside the template nothing of a key is known, its type neither. */
const NOWHERE: ObjectPlace = { owner: undefined, type: 'object', objectId: null };

/** Reads a key by what the bucket's declaration says. */
export function placeObject(
  { declaration, template, patterns }: DeclaredBucket,
  key: string,
): ObjectPlace {
  const owned = readKey(template, key);
  if (owned === undefined) return NOWHERE;
  const organization = owned.organization ?? declaration.organization;
  const project = owned.project ?? declaration.project;
  if (organization === undefined || project === undefined) return NOWHERE;
  const { type, objectId = null } = typeOfKey(patterns, owned.rest);
  return { owner: { organization, project }, type, objectId };
}

/** Whose it is, as the ledger has it: of a name that nobody has registered, the name. */
export function ownerOf({ owner, type, objectId }: ObjectPlace, names: Resolution): ObjectOwner {
  const project =
    owner === undefined ? undefined : names.project(owner.organization, owner.project);
  if (owner === undefined || project !== undefined) {
    return {
      organizationId: project?.organizationId ?? null,
      projectId: project?.projectId ?? null,
      unattributedTo: null,
      type,
      objectId,
    };
  }
  const unattributedTo = `${owner.organization}/${owner.project}`;
  return { organizationId: null, projectId: null, unattributedTo, type, objectId };
}

/** Of 2^128: among a billion keys two are the same with a probability of 10^-21. */
const HASH_BYTES = 16;

/** The key as the ledger has it. A hash cannot be mapped again, so map the key itself. */
export function storedKey({ declaration }: DeclaredBucket, key: string): string {
  if (declaration.ledger !== 'hashed') return key;
  return createHash('sha256').update(key).digest().toString('base64url', 0, HASH_BYTES);
}
