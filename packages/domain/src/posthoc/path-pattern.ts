/** Paths with wildcards, as DuckDB reads them in a directory; for stores that can list by a prefix only. */

/** What all paths of a pattern begin with. */
export function literalPrefix(pattern: string): string {
  return pattern.replace(/[*?].*$/s, '');
}

/**
 * Whether paths match: `*` is any part of a name and `?` a character of it, a part `**` any directories, or none. A name that
 * ends in `/` is a directory's, as some tools make them in buckets.
 */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/').map((part, i, all) => {
    const isLast = i === all.length - 1;
    if (part === '**') return isLast ? '.*[^/]' : '(?:[^/]+/)*';
    const name = part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/\*+/g, '[^/]*')
      .replaceAll('?', '[^/]');
    return isLast ? name : `${name}/`;
  });
  const expression = new RegExp(`^${parts.join('')}$`, 'su');
  return (path) => expression.test(path);
}
