import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CHART, type HelmOptions, helmTemplate } from './helm.ts';
import { kept } from './kept.ts';
import { identityOf, type KubernetesObject } from './kubernetes-object.ts';

/** A values file of the chart, which a test is made for. */
export interface ValuesFile {
  /** `ci/full` */
  readonly name: string;
  readonly path: string;
}

/** Every values file that comes with the chart: those for CI, and those that people copy. */
export function valuesFiles(): readonly ValuesFile[] {
  return [
    ...filesIn('ci', '-values.yaml'),
    // Objects of other operators, which are no values.
    ...filesIn('examples', '.yaml').filter(({ name }) => name !== 'examples/cnpg-cluster'),
  ];
}

export function valuesFile(name: string): ValuesFile {
  const found = valuesFiles().find((file) => file.name === name);
  if (found === undefined) throw new Error(`the chart has no values file ${name}`);
  return found;
}

function filesIn(folder: string, ending: string): readonly ValuesFile[] {
  const directory = join(CHART, folder);
  return readdirSync(directory)
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => ({ name: `${folder}/${basename(file, ending)}`, path: join(directory, file) }));
}

/** What Helm makes of values: objects, or a refusal with its reason. */
interface Rendering {
  readonly objects: readonly KubernetesObject[];
  readonly refusal: string;
}

/**
 * The objects that these values make. Many tests look at the same ones, so they are rendered once for each content of the chart.
 * @throws Error with what Helm says, when it refuses them.
 */
export function render(options: HelmOptions): readonly KubernetesObject[] {
  const { objects, refusal } = rendering(options);
  if (refusal !== '') throw new Error(refusal);
  return objects;
}

/** Why Helm refuses these values; empty when it takes them. */
export function refusalOf(options: HelmOptions): string {
  return rendering(options).refusal;
}

function rendering(options: HelmOptions): Rendering {
  return kept(options, () => {
    const { ok, stdout, stderr } = helmTemplate(options);
    return ok ? { objects: parse(stdout), refusal: '' } : { objects: [], refusal: stderr };
  });
}

function parse(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const problem = document.errors[0];
    if (problem !== undefined) throw problem;
    const object: unknown = document.toJS();
    // What it is, the schemas check.
    return object === null ? [] : [object as KubernetesObject];
  });
}

/** What a values file makes, with perhaps some values changed. */
export function renderFile(name: string, options: HelmOptions = {}): readonly KubernetesObject[] {
  const { path } = valuesFile(name);
  return render({ ...options, files: [path, ...(options.files ?? [])] });
}

/** The one object of that kind and name. */
export function find(
  objects: readonly KubernetesObject[],
  kind: string,
  name: string,
): KubernetesObject {
  const found = objects.filter((each) => each.kind === kind && each.metadata.name === name);
  const [object] = found;
  if (object === undefined || found.length > 1) {
    throw new Error(
      `${found.length} ${kind} ${name} among:\n${objects.map(identityOf).join('\n')}`,
    );
  }
  return object;
}

export function ofKind(
  objects: readonly KubernetesObject[],
  kind: string,
): readonly KubernetesObject[] {
  return objects.filter((each) => each.kind === kind);
}
