import { OdometerError } from '@odometer/domain/errors';
import { suggestion } from '@odometer/service-kit/schema-problems';
import { type ZodType, z } from 'zod';

/** What a parameter's text becomes, as far as its schema tells. */
type Form = 'text' | 'number' | 'boolean' | 'list' | 'record' | 'record of lists';

/** The parameters of a route by name. */
export type QueryShape = ReadonlyMap<string, Form>;

interface JsonSchema {
  readonly type?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** Reads off a schema which parameters there are and in which form each arrives. */
export function queryShape(schema: ZodType | undefined): QueryShape {
  if (schema === undefined) return new Map();
  const { properties = {} } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema;
  return new Map(Object.entries(properties).map(([name, each]) => [name, formOf(each)]));
}

function formOf(schema: JsonSchema): Form {
  const types = new Set((schema.anyOf ?? [schema]).map(({ type }) => type));
  types.delete('null');
  if (types.has('object')) {
    const values = schema.additionalProperties;
    return typeof values === 'object' && values.type === 'array' ? 'record of lists' : 'record';
  }
  if (types.size > 1) return 'text';
  if (types.has('array')) return 'list';
  if (types.has('integer') || types.has('number')) return 'number';
  return types.has('boolean') ? 'boolean' : 'text';
}

const BRACKETS = /^([^[\]]+)\[([^[\]]+)\]$/;

/**
 * Reads a query string, everything as text, into what a zod schema can check.
 *
 * @param search without the question mark.
 * @throws OdometerError `query_invalid`: a parameter that is unknown, with the nearest known one.
 */
export function readQuery(search: string, shape: QueryShape): Readonly<Record<string, unknown>> {
  const given = new Map<string, string[]>();
  const records = new Map<string, Map<string, string[]>>();
  for (const [name, value] of new URLSearchParams(search)) {
    const [, base, key] = BRACKETS.exec(name) ?? [];
    const form = shape.get(base ?? name);
    if (form === undefined) throw unknown(name, shape);
    const isRecord = form.startsWith('record');
    if (isRecord !== (base !== undefined)) throw unknown(name, shape);
    if (base === undefined || key === undefined) append(given, name, value);
    else {
      const record = records.get(base) ?? new Map<string, string[]>();
      records.set(base, record);
      append(record, key, value);
    }
  }
  return Object.fromEntries([
    ...[...given].map(([name, texts]) => [name, formed(texts, shape.get(name) ?? 'text')]),
    ...[...records].map(([name, record]) => {
      const form = shape.get(name) === 'record of lists' ? 'list' : 'text';
      // `fromEntries` makes an own property of any key, `__proto__` included.
      return [
        name,
        Object.fromEntries([...record].map(([key, texts]) => [key, formed(texts, form)])),
      ];
    }),
  ]);
}

function append(to: Map<string, string[]>, name: string, value: string): void {
  const values = to.get(name);
  if (values === undefined) to.set(name, [value]);
  else values.push(value);
}

/** What does not fit stays as it is, so that the schema says what is wrong with it. */
function formed(texts: readonly string[], form: Form): unknown {
  if (form === 'list') return texts;
  const [text = ''] = texts;
  if (texts.length > 1) return texts;
  if (form === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (form === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function unknown(name: string, shape: QueryShape): OdometerError {
  const known = [...shape].map(([each, form]) =>
    form.startsWith('record') ? `${each}[key]` : each,
  );
  const near = suggestion(name.replace(/\[[^[\]]+\]$/, '[key]'), known);
  const hint =
    near ||
    (known.length === 0 ? '; this address takes none' : `; there are ${known.sort().join(', ')}`);
  return new OdometerError('query_invalid', {
    parameter: shortened(name),
    problem: `is no parameter of this address${hint}`,
  });
}

/** A problem quotes the client, within bounds. */
function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 63)}…` : name;
}
