/** One `metric{label="value"}` of an expression. */
export interface Selector {
  readonly metric: string;
  /** What stands before it: `max by (queue) (`. */
  readonly before: string;
  readonly matchers: readonly Matcher[];
}

interface Matcher {
  readonly label: string;
  /** Of a regular expression that lists some, each. */
  readonly values: readonly string[];
}

/** Every selector of an expression of ours, which writes braces behind each metric. */
export function selectorsOf(expr: string): readonly Selector[] {
  return [...expr.matchAll(/([a-z_:][a-z0-9_:]*)\{([^}]*)\}/g)].map((match) => ({
    metric: match[1] ?? '',
    before: expr.slice(0, match.index),
    matchers: [...(match[2] ?? '').matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)].map(
      ([, label = '', value = '']) => ({ label, values: value.split('|') }),
    ),
  }));
}

/** Metrics without braces: they would take in what other jobs show. */
export function bareMetrics(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:odometer_|nodejs_|process_|up\b)\w*(?!\w|\{)/g)].map(
    ([metric]) => metric,
  );
}

/** Labels that `by` and `on` name. */
export function groupedBy(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:by|on|ignoring|without) \(([^)]*)\)/g)].flatMap(
    ([, labels = '']) => labels.split(/, */).filter((label) => label !== ''),
  );
}
