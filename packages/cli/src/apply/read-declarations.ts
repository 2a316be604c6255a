import { OdometerError } from '@odometer/domain/errors';
import { jsonProblem } from '@odometer/service-kit/json-problem';
import { suggestion } from '@odometer/service-kit/schema-problems';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { parseBucket } from './bucket.ts';
import { parseCrossCheck } from './cross-check.ts';
import { type Declaration, isProblems, type Parsed } from './declaration.ts';
import { parseMeter } from './meter.ts';
import { parseOrganization } from './organization.ts';
import { parsePlan } from './plan.ts';
import { parsePosthocMetric } from './posthoc-metric.ts';
import { parseProject } from './project.ts';
import { parsePulledLog } from './pulled-log.ts';
import { parseReading } from './reading.ts';
import { parseRegistry } from './registry.ts';
import { parseWebhook } from './webhook.ts';

/** By kind, in the order in which they are applied: each after what it refers to. */
const KINDS: ReadonlyMap<string, (spec: unknown) => Parsed> = new Map([
  ['Meter', parseMeter],
  ['Reading', parseReading],
  ['Plan', parsePlan],
  ['Organization', parseOrganization],
  ['Project', parseProject],
  ['Webhook', parseWebhook],
  ['Bucket', parseBucket],
  ['Registry', parseRegistry],
  ['CrossCheck', parseCrossCheck],
  ['PosthocMetric', parsePosthocMetric],
  ['PulledLog', parsePulledLog],
]);

export interface DeclarationFile {
  /** Its name, for the messages. */
  readonly file: string;
  readonly text: string;
}

type Found = { readonly kind: string; readonly declaration: Declaration };

/** Reads one file. @see readDeclarationFiles */
export function readDeclarations(file: string, text: string): readonly Declaration[] {
  return readDeclarationFiles(file, [{ file, text }]);
}

/**
 * Reads files of YAML documents, each `kind: …` and `spec: …`, separated by `---`, as if they were one.
 *
 * @param name what they are called together.
 * @throws OdometerError `declaration_invalid` with everything that is wrong, each with its line, so that nobody mends a
 *   file one run at a time.
 */
export function readDeclarationFiles(
  name: string,
  files: readonly DeclarationFile[],
): readonly Declaration[] {
  const problems: string[] = [];
  const found: Found[] = [];
  for (const { file, text } of files) {
    const place = files.length > 1 ? `  ${file}, line` : '  line';
    readFile(text, place, found, problems);
  }
  if (problems.length === 0 && found.length === 0) problems.push('  it declares nothing');
  if (problems.length > 0) {
    throw new OdometerError('declaration_invalid', {
      file: name,
      count: problems.length,
      problems: problems.join('\n'),
    });
  }
  const order = [...KINDS.keys()];
  return found
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
    .map(({ declaration }) => declaration);
}

/** Adds what a file declares to `found`, and what is wrong with it to `problems`. */
function readFile(text: string, place: string, found: Found[], problems: string[]): void {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  for (const document of Array.isArray(documents) ? documents : []) {
    // The offset of a document is where its marker stands.
    const line = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line;
    const parsed = parseDocument(document);
    if (parsed === undefined) continue;
    if (isProblems(parsed)) {
      problems.push(...parsed.map((problem) => `${place} ${line}: ${problem}`));
      continue;
    }
    const { declaration } = parsed;
    if (found.some((other) => other.declaration.label === declaration.label)) {
      problems.push(`${place} ${line}: ${declaration.label} is declared twice`);
    }
    found.push(parsed);
  }
}

/** Undefined for a document without content, which `---` at the end of a file makes. */
function parseDocument(document: Document.Parsed): Found | readonly string[] | undefined {
  if (document.errors.length > 0) {
    return document.errors.map(({ message }) => message.split('\n')[0] ?? message);
  }
  const content: unknown = document.toJS();
  if (content === null) return undefined;
  if (typeof content !== 'object' || Array.isArray(content)) {
    return ['a document should have the fields kind and spec'];
  }
  const { kind, spec, ...rest } = content as Readonly<Record<string, unknown>>;
  const problems = Object.keys(rest).map(
    (field) =>
      `unknown field ${field}${suggestion(field, ['kind', 'spec']) || '; all but kind belongs under spec'}`,
  );
  const known = [...KINDS.keys()];
  const parse = typeof kind === 'string' ? KINDS.get(kind) : undefined;
  if (typeof kind !== 'string' || parse === undefined) {
    const what = kind === undefined ? 'kind is missing' : `unknown kind ${JSON.stringify(kind)}`;
    return [
      ...problems,
      `${what}${suggestion(String(kind), known) || `; it should be one of ${known.join(', ')}`}`,
    ];
  }
  if (spec === undefined) return [...problems, `${kind}: spec is missing`];
  const unusable = jsonProblem(spec, 'spec');
  if (unusable !== undefined) return [...problems, `${kind}: ${unusable}`];
  const parsed = parse(spec);
  if (isProblems(parsed)) return [...problems, ...parsed.map((problem) => `${kind}: ${problem}`)];
  return problems.length > 0 ? problems : { kind, declaration: parsed };
}
