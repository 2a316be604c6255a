/** The steps from an event's data to a value: property names and array indexes. */
export type ValuePath = readonly (string | number)[];

const STEP = /\.([A-Za-z_$][\w$-]*)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * Reads a JSON path that names one value (RFC 9535, singular queries): `$`, `$.value`, `$.usage.bytes`, `$['a b'][0]`.
 * Paths that may name several values (`*`, `..`, filters) have no single quantity and are refused.
 *
 * @returns the steps, or undefined when the path is none of these.
 */
export function parseValuePath(path: string): ValuePath | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: (string | number)[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (match === null) return undefined;
    const [, name, index, single, double] = match;
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else steps.push((single ?? double ?? '').replace(/\\(.)/g, '$1'));
  }
  return steps;
}

/**
 * The value at the path; undefined when a step leads nowhere: a name in an array, an index in an object (RFC 9535; a query
 * over stored events asks Postgres by the same rule). Never throws, never reads an inherited property.
 */
export function readValue(data: unknown, path: ValuePath): unknown {
  let value = data;
  for (const step of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, step))
      return undefined;
    if (Array.isArray(value) !== (typeof step === 'number')) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
