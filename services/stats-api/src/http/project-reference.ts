import type { Pool } from '@odometer/database/pool';
import { findProject, type ProjectRow } from '@odometer/database/reading/projects';
import { OdometerError } from '@odometer/domain/errors';
import { isSlug } from '@odometer/domain/slug';
import { z } from 'zod';
import { forbidden, requireOrganization } from './own-organization.ts';
import type { Caller } from './route.ts';

/** A project by its number, as decimal text, or by its name. */
export type ProjectReference =
  | { readonly id: string }
  | { readonly organization: string; readonly project: string };

/** `42`, or `organization/project`. The slash tells them apart: a project's own name may be a number. */
export const projectReference = z
  .string()
  .transform((text, context): ProjectReference => {
    if (/^[1-9]\d{0,17}$/.test(text)) return { id: text };
    const [organization = '', project = '', ...more] = text.split('/');
    if (isSlug(organization) && isSlug(project) && more.length === 0) {
      return { organization, project };
    }
    context.addIssue({
      code: 'custom',
      message: 'should be a number, or organization/project (in a path the slash is written %2F)',
    });
    return z.NEVER;
  })
  .describe('its number, or `organization/project` (in a path `organization%2Fproject`)');

function referenceText(reference: ProjectReference): string {
  return 'id' in reference ? reference.id : `${reference.organization}/${reference.project}`;
}

/**
 * Before a look: whether the name alone says that it is somebody else's.
 *
 * @throws OdometerError `organization_forbidden`
 */
export function requireReference(caller: Caller, reference: ProjectReference): void {
  if (!('id' in reference)) requireOrganization(caller, reference.organization);
}

/**
 * What to say of a project that was not found among those the caller may see. By number nobody may learn whether it is
 * somebody else's or nobody's.
 */
export function notFound(caller: Caller, reference: ProjectReference): OdometerError {
  return caller.organization !== null && 'id' in reference
    ? forbidden()
    : new OdometerError('project_not_found', { project: referenceText(reference) });
}

/**
 * Finds a project that the caller may see.
 *
 * @throws OdometerError `organization_forbidden`, `project_not_found`
 */
export async function findKnownProject(
  pool: Pool,
  caller: Caller,
  reference: ProjectReference,
): Promise<ProjectRow> {
  requireReference(caller, reference);
  const found = await findProject(pool, reference, caller.organization);
  if (found === undefined) throw notFound(caller, reference);
  return found;
}
