import { isSlug } from '../slug.ts';

/**
 * Where a tag names its owner: `{project}-…`, `{organization}.{project}.…`, or just `robots-…`. Made by `parseTagTemplate`;
 * treat it as opaque.
 */
export interface TagTemplate {
  readonly pattern: RegExp;
}

const PLACEHOLDER = /(\{organization\}|\{project\}|…|\.\.\.)/;
const REST = ['…', '...'];

/**
 * A name reaches up to the first of what follows it in the template, so a separator must not occur in names.
 *
 * @returns the template, or a sentence that says what is wrong with it. Never throws.
 */
export function parseTagTemplate(text: string): TagTemplate | string {
  const parts = text.split(PLACEHOLDER).filter((part) => part !== '');
  if (parts.length === 0) return 'the template is empty';
  const seen = new Set<string>();
  let pattern = '';
  for (const [index, part] of parts.entries()) {
    const isName = part.startsWith('{') && part.endsWith('}') && PLACEHOLDER.test(part);
    if (REST.includes(part)) {
      if (index !== parts.length - 1) return '… should be at the end';
      pattern += '.+';
    } else if (isName) {
      if (seen.has(part)) return `${part} appears twice`;
      if (index > 0 && PLACEHOLDER.test(parts[index - 1] ?? '')) {
        return `something should separate ${part} from what is before it`;
      }
      if (index < parts.length - 1 && REST.includes(parts[index + 1] ?? '')) {
        return `something should separate ${part} from the rest`;
      }
      seen.add(part);
      pattern += `(?<${part.slice(1, -1)}>.+?)`;
    } else if (!/^[A-Za-z0-9_.-]+$/.test(part)) {
      return `"${part}" can be in no tag`;
    } else {
      pattern += part.replaceAll('.', '\\.');
    }
  }
  return { pattern: new RegExp(`^${pattern}$`) };
}

/** @returns undefined when the tag is outside the template, or names what can be no name. Never throws. */
export function readTag(
  { pattern }: TagTemplate,
  tag: string,
): { readonly organization?: string; readonly project?: string } | undefined {
  const groups = pattern.exec(tag);
  if (groups === null) return undefined;
  const named = Object.entries(groups.groups ?? {});
  return named.every(([, name]) => isSlug(name)) ? Object.fromEntries(named) : undefined;
}
