import { fieldAt, isMembers, textAt } from '../field-path.ts';
import type { PulledLogDeclaration } from './pulled-log-declaration.ts';

/** What a page has. */
export interface LogPage {
  readonly items: readonly unknown[];
  /** The checkpoint after it; undefined when the page names none. */
  readonly next: string | undefined;
}

/** It goes into a URL, and into a column. */
const MAX_CHECKPOINT_LENGTH = 2_048;

/**
 * Takes a page apart. Strict: an answer of another shape is rather an error that is answered with 200, or another API than
 * was declared, than a page without items, and to go on after it would skip usage.
 *
 * @param link the header of that name.
 * @param url what was asked, for a link that is relative to it.
 * @returns the page, or what is wrong with it, one clause without a subject. Never throws.
 */
export function readPage(
  { items: path, checkpoint }: Pick<PulledLogDeclaration, 'items' | 'checkpoint'>,
  page: unknown,
  link: string | null,
  url: URL,
): LogPage | string {
  const items = path === undefined ? page : fieldAt(page, path);
  if (!Array.isArray(items)) {
    return path === undefined ? 'it is no list of items' : `it has no list of items at ${path}`;
  }
  const strange = items.findIndex((item) => !isMembers(item));
  if (strange !== -1) return `its item ${strange + 1} is no JSON object`;
  const next = nextOf(checkpoint, page, items, link, url);
  if (typeof next === 'string') return next;
  if ((next?.checkpoint.length ?? 0) > MAX_CHECKPOINT_LENGTH) {
    return `its next checkpoint is longer than ${MAX_CHECKPOINT_LENGTH} characters`;
  }
  return { items, next: next?.checkpoint };
}

/** A string says what is wrong. */
function nextOf(
  { parameter, next }: PulledLogDeclaration['checkpoint'],
  page: unknown,
  items: readonly unknown[],
  link: string | null,
  url: URL,
): { readonly checkpoint: string } | undefined | string {
  if ('link' in next) {
    const target = linkedNext(link ?? '');
    if (target === undefined) return undefined;
    // Only the checkpoint is taken from it: nobody else may say where credentials are sent.
    const found = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
    const checkpoint = found?.searchParams.get(parameter);
    return checkpoint
      ? { checkpoint }
      : `its link to the next page does not have the parameter ${parameter}`;
  }
  const [content, path] = 'field' in next ? [page, next.field] : [items.at(-1), next.lastItem];
  const value = fieldAt(content, path);
  if ('lastItem' in next && items.length > 0 && value === undefined) {
    return `its last item has no ${path}`;
  }
  if (value === undefined || value === '') return undefined;
  const checkpoint = textAt(content, path);
  return checkpoint === undefined ? `its ${path} is no text` : { checkpoint };
}

/** RFC 8288: `<https://…>; rel="next", <https://…>; rel=prev`. */
function linkedNext(header: string): string | undefined {
  for (const [, target = '', parameters = ''] of header.matchAll(/<([^>]*)>([^<]*)/g)) {
    const [, quoted, bare] = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters) ?? [];
    const relations = (quoted ?? bare ?? '').toLowerCase().split(/\s+/);
    if (relations.includes('next')) return target;
  }
  return undefined;
}
