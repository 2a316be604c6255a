import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** Much of what we depend on is CommonJS, which asks for Node's modules at run time; a module has no `require`. */
const BANNER = `import { createRequire as odometerCreateRequire } from 'node:module';
const require = odometerCreateRequire(import.meta.url);`;

/**
 * Native helpers that their packages do without: a faster msgpack for BullMQ, another driver for Postgres. The image has
 * none, so that one bundle serves every processor. DuckDB lies beside it (`copyNative`), and is loaded by the first query.
 */
const NATIVE = [
  'msgpackr-extract',
  'pg-native',
  'bufferutil',
  'utf-8-validate',
  '@duckdb/node-api',
];

/**
 * Makes `<program>.mjs` for every program, and beside them what they share, once, in `chunks/`.
 *
 * @param programs what each starts with, by its name
 * A program's file only imports its `main.ts`, so that all our code is in `chunks/`, one level down, as it is in a
 * package's `dist/`: what it looks for beside itself (`../migrations`, `../package.json`) is at the top of the bundle.
 *
 * @returns what went in.
 */
export async function bundlePrograms(
  repository: string,
  out: string,
  programs: Readonly<Record<string, string>>,
): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: repository,
    outdir: out,
    entryPoints: Object.keys(programs).map((name) => ({ in: `program:${name}`, out: name })),
    plugins: [programFiles(repository, programs)],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // The oldest Node that Odometer runs on: tests run the bundle there.
    target: 'node20.19',
    conditions: ['odometer-source'],
    external: NATIVE,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    banner: { js: BANNER },
    // A stack trace names files and lines; the sources themselves are a checkout of the version away.
    sourcemap: 'linked',
    sourcesContent: false,
    // Class names are in log lines and error messages. Minified otherwise it would be 2 MB smaller, and nobody could read it.
    keepNames: true,
    // All of them are in THIRD-PARTY-LICENSES.txt.
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** The files that exist only in the bundle. */
function programFiles(repository: string, programs: Readonly<Record<string, string>>): Plugin {
  return {
    name: 'program-files',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^program:/ }, ({ path }) => ({
        path: path.slice('program:'.length),
        namespace: 'program',
      }));
      onLoad({ filter: /.*/, namespace: 'program' }, ({ path }) => ({
        contents: `await import(${JSON.stringify(join(repository, programs[path] ?? ''))});`,
        resolveDir: repository,
      }));
    },
  };
}
