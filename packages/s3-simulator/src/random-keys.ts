import type { SeededRandom } from './seeded-random.ts';

/** What may follow an owner in a key: scenes, uploads and logs, and names that are easily corrupted on their way. */
const RESTS: readonly ((id: number) => string)[] = [
  (id) => `scenes/scene-${id}/mesh.bin`,
  (id) => `scenes/scene-${id}/textures/0.ktx2`,
  (id) => `uploads/upload-${id}`,
  (id) => `logs/2026/11/${id}.log.gz`,
  (id) => `a b+c/${id}`,
  (id) => `100%/%2F/${id}`,
  (id) => `größe/日本語/😀/${id}`,
  (id) => `//${id}//`,
  (id) => `../${id}/./x`,
  (id) => `line\nbreak\t${id}`,
  (id) => `"quoted" & <tagged>'${id}`,
  (id) => `folder-${id}/`,
];

/** S3's limit, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024;

export interface RandomKeysOptions {
  readonly random: SeededRandom;
  readonly count: number;
  /** `organization/project`, as the keys begin. */
  readonly owners: readonly string[];
}

/** Distinct keys of these owners, `{organization}/{project}/…`; one in twenty is as long as S3 allows. */
export function randomKeys({ random, count, owners }: RandomKeysOptions): readonly string[] {
  return Array.from({ length: count }, (_, id) => {
    const key = `${random.pick(owners)}/${random.pick(RESTS)(id)}`;
    return id % 20 === 19 ? `${key}${'x'.repeat(MAX_KEY_BYTES - Buffer.byteLength(key))}` : key;
  });
}
