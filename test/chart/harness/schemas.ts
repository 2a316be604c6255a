import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { CUSTOM_RESOURCES } from './custom-resources.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

/** The oldest Kubernetes that the chart is for, and the newest at its writing. */
export const KUBERNETES_VERSIONS = ['v1.30', 'v1.37'] as const;

type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number];

interface Schemas {
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, object>>;
}

const FORMATS = {
  int32: { type: 'number', validate: (value: number) => Math.abs(value) < 2 ** 31 },
  int64: { type: 'number', validate: Number.isSafeInteger },
  byte: /^[A-Za-z0-9+/]*={0,2}$/,
  'date-time': (value: string) => !Number.isNaN(Date.parse(value)),
} as const;

const validators = new Map(KUBERNETES_VERSIONS.map((version) => [version, load(version)]));

/**
 * What a strict API server of this version would say against the object; empty when it would take it.
 * A kind without a schema is a complaint, too: what is not checked is not right.
 */
export function schemaProblems(
  object: KubernetesObject,
  version: KubernetesVersion,
): readonly string[] {
  const kind = `${object.apiVersion}/${object.kind}`;
  const validate = validators.get(version)?.(kind);
  if (validate === undefined) return [`there is no schema of ${kind} in ${version}`];
  const isRight: boolean = validate(object);
  if (isRight) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const field = 'additionalProperty' in params ? ` "${String(params.additionalProperty)}"` : '';
    return `${object.kind} ${object.metadata.name}${instancePath} ${message}${field}`;
  });
}

function load(version: KubernetesVersion): (kind: string) => ValidateFunction | undefined {
  const file = new URL(`../kubernetes/${version}.json`, import.meta.url);
  const schemas: Schemas = JSON.parse(readFileSync(file, 'utf8'));
  const ajv = new Ajv({ strict: false, allErrors: true, formats: FORMATS });
  ajv.addSchema({ $id: version, definitions: schemas.definitions });
  const compiled = new Map<string, ValidateFunction>();
  return (kind) => {
    const known = compiled.get(kind);
    if (known !== undefined) return known;
    const definition = schemas.kinds[kind];
    const schema =
      definition === undefined
        ? CUSTOM_RESOURCES[kind]
        : { $ref: `${version}#/definitions/${definition}` };
    if (schema === undefined) return undefined;
    const validate = ajv.compile(schema);
    compiled.set(kind, validate);
    return validate;
  };
}
