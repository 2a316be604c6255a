/** What an instant is written as; UTC. */
const PARTS: Readonly<Record<string, (iso: string, ms: number) => string>> = {
  yyyy: (iso) => iso.slice(0, 4),
  MM: (iso) => iso.slice(5, 7),
  dd: (iso) => iso.slice(8, 10),
  HH: (iso) => iso.slice(11, 13),
  mm: (iso) => iso.slice(14, 16),
  ss: (iso) => iso.slice(17, 19),
  iso: (iso) => iso,
  epoch: (_iso, ms) => String(Math.floor(ms / 1_000)),
  epochMs: (_iso, ms) => String(ms),
};

/** @returns what is wrong with a template, one sentence; undefined: nothing. */
export function checkpointTemplateProblem(template: string): string | undefined {
  const names = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  const unknown = names.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined) {
    return `{${unknown}} is none of ${Object.keys(PARTS)
      .map((name) => `{${name}}`)
      .join(', ')}`;
  }
  // Without a time every reading would begin at the same place, and overlap would read all of it again.
  return names.length === 0 ? 'should have the time in it: {iso}, {epoch}, {yyyy} …' : undefined;
}

/** The checkpoint of an instant, of a template that has no problem. */
export function checkpointAt(template: string, ms: number): string {
  const iso = new Date(ms).toISOString();
  return template.replace(/\{([^{}]*)\}/g, (text, name: string) => PARTS[name]?.(iso, ms) ?? text);
}
