import { isSlug } from './slug.ts';

/** Whose usage it is, by name. The registry turns it into ids when the usage is applied. */
export interface Owner {
  readonly organization: string;
  readonly project: string;
  readonly device?: string;
}

/**
 * Reads a CloudEvents `subject`: `project`, `organization/project` or `organization/project/device`. A bare project
 * belongs to `defaultOrganization` (the API key's, or `default`).
 *
 * @returns the owner, or a sentence that says what is wrong with the subject. Never throws.
 */
export function parseSubject(subject: string, defaultOrganization: string): Owner | string {
  const parts = subject.split('/');
  if (parts.length > 3) {
    return 'subject has more than three parts; expected project, organization/project or organization/project/device';
  }
  for (const part of parts) {
    if (!isSlug(part)) {
      return part === ''
        ? 'subject has an empty part'
        : 'subject has a part that is not a valid name';
    }
  }
  const [first = '', second, device] = parts;
  if (second === undefined) return { organization: defaultOrganization, project: first };
  if (device === undefined) return { organization: first, project: second };
  return { organization: first, project: second, device };
}
