import { isSlug } from '../slug.ts';

/**
 * Where a key names its owner: `{organization}/{project}/…`. Fixed segments and placeholders, then `…` (or `...`) for the
 * rest of the key, which must not be empty. Made by `parseKeyTemplate`; treat it as opaque.
 */
export interface KeyTemplate {
  readonly segments: readonly string[];
  /** Nothing may follow; without it something must. */
  readonly isWhole?: true;
}

/** Of which kind an object is, by what follows the owner in its key: `scenes/{object_id}/…`. */
export interface KeyPattern {
  readonly segments: readonly string[];
  /** `…` at the end: anything may follow, but something must. */
  readonly isOpen: boolean;
  readonly type: string;
}

const REST = ['…', '...'];
const OWNER_PLACEHOLDERS = ['{organization}', '{project}'];
const OBJECT_ID = '{object_id}';

/** @returns the template, or a sentence that says what is wrong with it. Never throws. */
export function parseKeyTemplate(text: string): KeyTemplate | string {
  return REST.includes(text.split('/').at(-1) ?? '')
    ? parseNameTemplate(text)
    : 'the template should end in …, for the rest of the key';
}

/**
 * The same for names that may end with their owner, as repositories do: without `…` at the end the whole name must fit.
 *
 * @returns the template, or a sentence that says what is wrong with it. Never throws.
 */
export function parseNameTemplate(text: string): KeyTemplate | string {
  const all = text.split('/');
  const isWhole = !REST.includes(all.at(-1) ?? '');
  const segments = isWhole ? all : all.slice(0, -1);
  for (const segment of segments) {
    if (OWNER_PLACEHOLDERS.includes(segment)) {
      if (segments.indexOf(segment) !== segments.lastIndexOf(segment)) {
        return `${segment} appears twice`;
      }
    } else if (segment === '' || REST.includes(segment) || /[{}]/.test(segment)) {
      return `"${segment}" is neither a name, {organization} nor {project}`;
    }
  }
  return isWhole ? { segments, isWhole: true } : { segments };
}

/** @returns the pattern, or a sentence that says what is wrong with it. Never throws. */
export function parseKeyPattern(text: string, type: string): KeyPattern | string {
  const all = text.split('/');
  const isOpen = REST.includes(all.at(-1) ?? '');
  const segments = isOpen ? all.slice(0, -1) : all;
  if (segments.length === 0) return 'the pattern matches every key';
  for (const segment of segments) {
    if (
      segment !== OBJECT_ID &&
      (segment === '' || REST.includes(segment) || /[{}]/.test(segment))
    ) {
      return `"${segment}" is neither a name nor ${OBJECT_ID}`;
    }
  }
  return segments.indexOf(OBJECT_ID) === segments.lastIndexOf(OBJECT_ID)
    ? { segments, isOpen, type }
    : `${OBJECT_ID} appears twice`;
}

/** What a key says of its owner, and what follows. */
export interface OwnedKey {
  readonly organization?: string;
  readonly project?: string;
  readonly rest: string;
}

/** @returns undefined when the key is outside the template, or names what can be no name. Never throws. */
export function readKey({ segments, isWhole }: KeyTemplate, name: string): OwnedKey | undefined {
  // A whole name ends where its last segment does, as if another one followed.
  const key = isWhole === true ? `${name}/` : name;
  let owner: { organization?: string; project?: string } = {};
  let from = 0;
  for (const segment of segments) {
    const to = key.indexOf('/', from);
    if (to === -1) return undefined;
    const part = key.slice(from, to);
    if (segment === '{organization}' || segment === '{project}') {
      if (!isSlug(part)) return undefined;
      owner =
        segment === '{organization}'
          ? { ...owner, organization: part }
          : { ...owner, project: part };
    } else if (segment !== part) {
      return undefined;
    }
    from = to + 1;
  }
  const rest = key.slice(from);
  return (rest === '') === (isWhole === true) ? { ...owner, rest } : undefined;
}

export interface TypedObject {
  readonly type: string;
  readonly objectId?: string;
}

/** The first pattern that fits says it; `object` when none does. Never throws. */
export function typeOfKey(patterns: readonly KeyPattern[], rest: string): TypedObject {
  for (const pattern of patterns) {
    const found = fit(pattern, rest);
    if (found !== undefined) return found;
  }
  return { type: 'object' };
}

function fit({ segments, isOpen, type }: KeyPattern, rest: string): TypedObject | undefined {
  const parts = rest.split('/');
  if (isOpen ? parts.length <= segments.length : parts.length !== segments.length) return undefined;
  let objectId: string | undefined;
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if (segment === OBJECT_ID) {
      if (part === '') return undefined;
      objectId = part;
    } else if (segment !== part) {
      return undefined;
    }
  }
  if (isOpen && parts.slice(segments.length).join('/') === '') return undefined;
  return objectId === undefined ? { type } : { type, objectId };
}
