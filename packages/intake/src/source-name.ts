const MAX_LENGTH = 63;

/**
 * The name under which an instance produces batches: a DNS label, as job ids need it. Host names may have dots and
 * capitals. Two instances that end up with one name do no harm: an epoch is unique over all sources.
 */
export function sourceName(instance: string): string {
  const label = instance
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, MAX_LENGTH);
  return label === '' ? 'unnamed' : label;
}
