/**
 * The arrow of imports: services → intake → {queues, database, service-kit, aws} → domain. The cli stands where services stand; what
 * only tests need (testing, local-stack) is imported by tests, by test/, and by itself. test/arrow.test.ts plants
 * violations and sees each of these rules fail, because a checker that parses nothing is green, too.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */

const test = '(\\.(test|fixture)\\.ts$|^packages/[^/]+/test/|^services/[^/]+/test/|^test/)';

/** A layer that may import itself and the named packages, and nothing else of ours. Tests may import the fixtures, too. */
const layer = (name, path, allowed) => ({
  name,
  severity: 'error',
  comment: `see the arrow in CONTRIBUTING.md: ${path} may import ${allowed.join(', ') || 'nothing'} of ours`,
  from: { path: `^${path}/`, pathNot: test },
  to: {
    path: '^(packages|services|test)/',
    pathNot: [`^${path}/`, ...allowed.map((other) => `^packages/${other}/`)],
  },
});

module.exports = {
  forbidden: [
    layer('domain-imports-nothing', 'packages/domain', []),
    layer('database-imports-domain', 'packages/database', ['domain']),
    layer('queues-imports-domain', 'packages/queues', ['domain']),
    layer('service-kit-imports-domain', 'packages/service-kit', ['domain']),
    layer('aws-imports-domain', 'packages/aws', ['domain']),
    layer('s3-simulator-imports-domain', 'packages/s3-simulator', ['domain']),
    layer('intake-imports-the-layers-below', 'packages/intake', [
      'domain',
      'database',
      'queues',
      'service-kit',
    ]),
    layer('cli-imports-the-layers-below', 'packages/cli', [
      'domain',
      'database',
      'queues',
      'service-kit',
      'aws',
    ]),
    layer('local-stack-imports-domain', 'packages/local-stack', ['domain', 's3-simulator']),
    layer('testing-imports-what-it-starts', 'packages/testing', [
      'domain',
      'database',
      'local-stack',
      's3-simulator',
    ]),
    {
      name: 'services-import-packages-only',
      severity: 'error',
      comment: 'no service imports a service, a fixture, or the cli',
      from: { path: '^services/([^/]+)/', pathNot: test },
      to: {
        path: '^(packages|services|test)/',
        pathNot: ['^services/$1/', '^packages/(domain|database|queues|service-kit|intake|aws)/'],
      },
    },
    {
      name: 'tests-import-no-foreign-service',
      severity: 'error',
      comment:
        'a test of a service or package starts another service as a process, it does not import it',
      from: { path: '^(services|packages)/([^/]+)/.*(\\.test\\.ts$|/test/)' },
      to: { path: '^services/', pathNot: '^$1/$2/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'two files that import each other are one file, or one of them knows too much',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nothing-unresolvable',
      severity: 'error',
      comment: 'what is not resolved is not checked',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-production-import-of-a-test',
      severity: 'error',
      comment: 'tests are not built',
      from: { pathNot: test },
      to: { path: '\\.(test|fixture)\\.ts$' },
    },
  ],
  options: {
    // The default parser needs a TypeScript below 7 and, without one, sees no modules and passes.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
    // Types are imports, too: a layer that knows another's types depends on it.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['odometer-source', 'import', 'node', 'default', 'types'],
    },
  },
};
