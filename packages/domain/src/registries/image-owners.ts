import { z } from 'zod';
import { type KeyTemplate, parseNameTemplate, readKey } from '../objects/key-template.ts';
import { isSlug } from '../slug.ts';
import { parseTagTemplate, readTag, type TagTemplate } from './tag-template.ts';

const slug = z.string().refine(isSlug, 'should be a valid name');

/** Refined and not transformed: what is stored is what was written, and whoever reads it parses it again. */
const rule = z
  .strictObject({
    /** Which repositories: `{organization}/{project}/…`, or `{organization}/{project}`, or one repository's name. */
    repository: z.string().min(1).max(256),
    /** Which of their tags, where projects share a repository: `{project}-…`. Without it the whole repository. */
    tag: z.string().min(1).max(128).optional(),
    /** Owner, where neither template names one. */
    organization: slug.optional(),
    project: slug.optional(),
  })
  .superRefine((written, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const repository = parseNameTemplate(written.repository);
    if (typeof repository === 'string') issue('repository', repository);
    const tag = written.tag === undefined ? undefined : parseTagTemplate(written.tag);
    if (typeof tag === 'string') issue('tag', tag);
    for (const name of ['organization', 'project'] as const) {
      const sources =
        (written.repository.split('/').includes(`{${name}}`) ? 1 : 0) +
        (written.tag?.includes(`{${name}}`) === true ? 1 : 0) +
        (written[name] === undefined ? 0 : 1);
      if (sources !== 1) {
        issue(name, `should be given, or be {${name}} in one of the templates, and only one of it`);
      }
    }
  });

/** Whose images they are; the first rule that fits. What fits none is nobody's, and reported. */
export const imageOwnersSchema = z.array(rule).min(1).max(256);

export interface ImageOwner {
  readonly organization: string;
  readonly project: string;
}

/**
 * @returns whose the image is that has this tag; undefined: nobody's.
 * @param tag undefined: it has none, or it is not known.
 */
export type FindImageOwner = (
  repository: string,
  tag: string | undefined,
) => ImageOwner | undefined;

interface Rule {
  readonly repository: KeyTemplate;
  readonly tag: TagTemplate | undefined;
  readonly fixed: Partial<ImageOwner>;
}

/** Makes the function that tells owners by the rules of a declaration, which are valid. */
export function imageOwnerFinder(rules: z.infer<typeof imageOwnersSchema>): FindImageOwner {
  const parsed = rules.map(toRule);
  return (repository, tag) => {
    for (const { repository: template, tag: tagTemplate, fixed } of parsed) {
      const byName = readKey(template, repository);
      if (byName === undefined) continue;
      const byTag = tagTemplate === undefined ? {} : tag && readTag(tagTemplate, tag);
      if (!byTag) continue;
      const { organization, project } = { ...fixed, ...byName, ...byTag };
      if (organization !== undefined && project !== undefined) return { organization, project };
    }
    return undefined;
  };
}

function toRule(written: z.infer<typeof rule>): Rule {
  const repository = parseNameTemplate(written.repository);
  const tag = written.tag === undefined ? undefined : parseTagTemplate(written.tag);
  if (typeof repository === 'string' || typeof tag === 'string') {
    throw new TypeError('the rule was not validated');
  }
  const { organization, project } = written;
  const fixed = {
    ...(organization === undefined ? {} : { organization }),
    ...(project === undefined ? {} : { project }),
  };
  return { repository, tag, fixed };
}
