import type { ProjectName } from '@odometer/database/registry';
import { parseSubject } from '@odometer/domain/subject';
import { z } from 'zod';
import type { Caller } from '../http/route.ts';

/** As in the subjects of events: a bare project is one of the key's organization, or of `default`. */
function homeOf({ organization }: Caller): string {
  return organization ?? 'default';
}

/** What a project is called as a subject: as short as the key that asks may call it. */
export function subjectKey({ organization, project }: ProjectName, caller: Caller): string {
  return organization === homeOf(caller) ? project : `${organization}/${project}`;
}

/** The project that a key names; undefined when it names none. */
export function subjectProject(key: string, caller: Caller): ProjectName | undefined {
  const owner = parseSubject(key, homeOf(caller));
  if (typeof owner === 'string' || owner.device !== undefined) return undefined;
  return owner;
}

/** The key of a subject as it arrives. */
export const subjectKeySchema = z
  .string()
  .refine((key) => {
    const owner = parseSubject(key, 'default');
    return typeof owner !== 'string' && owner.device === undefined;
  }, 'should be project or organization/project')
  .describe('`project`, or `organization/project`');
