import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

// The logic of our scripts, no more: kind, minikube, docker, kubectl and helm are stand-ins here, which write down how they
// were called. That the cluster really comes up, chart.yml shows.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = ['kind', 'minikube', 'docker', 'kubectl', 'helm'] as const;
/** What the scripts may use besides: nothing else is on their PATH, so that what is missing is missing. */
const SYSTEM = ['sh', 'dirname', 'grep', 'cat', 'date', 'node', 'git', 'env', 'paste'];

const STAND_IN = `#!/bin/sh
program=\${0##*/}
printf '%s %s\\n' "$program" "$*" >>"$FAKE_CALLS"
[ "$program $1" != 'kubectl --context' ] || case $* in *'apply --filename -') cat >>"$FAKE_MANIFESTS" ;; esac
if [ -n "\${FAKE_FAILS:-}" ]; then
  case "$program $*" in $FAKE_FAILS) echo 'as it was told to' >&2; exit 3 ;; esac
fi
case "$program $*" in
  'kind get clusters') printf '%s' "\${FAKE_CLUSTERS:-}" ;;
  'docker image inspect'*) echo 'sha256:0123456789abcdef0123456789abcdef' ;;
  'npm config'*) echo 'https://registry.npmjs.org/' ;;
  # What is left goes with the third look, or never.
  'kubectl '*' get '*instance=odometer*)
    printf '%s\\n' persistentvolumeclaim/data-odometer-postgres-0 secret/odometer-bundled pod/odometer-smoke
    [ "$(grep -c ' get ' "$FAKE_CALLS")" -gt 2 ] && [ -z "\${FAKE_STAYS:-}" ] || printf '%s\\n' pod/odometer-mqtt-counter-0
    ;;
esac
`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odometer-cluster-'));
  mkdirSync(join(directory, 'bin'));
  for (const program of [...PROGRAMS, 'npm']) install(program);
  for (const program of SYSTEM) {
    symlinkSync(whereIs(program), join(directory, 'bin', program));
  }
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function install(program: string): void {
  const file = join(directory, 'bin', program);
  writeFileSync(file, STAND_IN);
  chmodSync(file, 0o755);
}

function whereIs(program: string): string {
  if (program === 'node') return process.execPath;
  const found = (process.env.PATH ?? '')
    .split(':')
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error(`this test needs ${program}`);
  return found;
}

interface Run {
  readonly status: number | null;
  readonly said: string;
  /** Calls of programs, without those that only look. */
  readonly calls: readonly string[];
  readonly manifests: string;
}

function run(
  script: string,
  environment: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Run {
  const calls = join(directory, 'calls');
  const manifests = join(directory, 'manifests');
  const { status, stdout, stderr } = spawnSync(
    join(directory, 'bin', 'sh'),
    [join(REPOSITORY, 'scripts', script), ...args],
    {
      encoding: 'utf8',
      env: {
        PATH: join(directory, 'bin'),
        HOME: directory,
        FAKE_CALLS: calls,
        FAKE_MANIFESTS: manifests,
        ...environment,
      },
    },
  );
  const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const looking = /^(npm|docker info|docker image inspect|kind get|minikube status)/;
  return {
    status,
    said: stdout + stderr,
    calls: read(calls)
      .split('\n')
      .filter((call) => call !== '' && !looking.test(call)),
    manifests: read(manifests),
  };
}

/** The beginnings of calls, for their order. */
function steps({ calls }: Run): readonly string[] {
  return calls.map((call) =>
    call
      .replace(/ --context \S+/, '')
      .split(' ')
      .slice(0, 3)
      .join(' '),
  );
}

const call = (result: Run, beginning: string): string =>
  result.calls.find((each) => each.startsWith(beginning)) ?? '';

describe('make kind-up', () => {
  test('makes the cluster, builds and loads the image, installs the chart, and tests it, in this order', () => {
    const result = run('kind-up.sh');
    expect(result.said).toContain('Odometer runs.');
    expect(result.status).toBe(0);
    expect(steps(result)).toEqual([
      'kind create cluster',
      'docker build --file',
      'docker tag odometer:local',
      'kind load docker-image',
      'kubectl apply --filename',
      'helm upgrade odometer',
      'helm test odometer',
    ]);
  });

  test('pins the version of Kubernetes by digest', () => {
    expect(call(run('kind-up.sh'), 'kind create')).toMatch(
      /^kind create cluster --name odometer --image kindest\/node:v[\d.]+@sha256:[0-9a-f]{64} --wait 3m$/,
    );
  });

  test('installs into a namespace that refuses what is not restricted, with the stores that come with the chart', () => {
    const result = run('kind-up.sh');
    expect(result.manifests).toContain('pod-security.kubernetes.io/enforce: restricted');
    const upgrade = call(result, 'helm upgrade');
    expect(upgrade).toContain('--values helm/odometer/ci/bundled-values.yaml');
    expect(upgrade).toContain('--kube-context kind-odometer --namespace metering');
    expect(upgrade).toContain('--install');
    // With --wait alone, a migration that has failed is only pods that are not ready.
    expect(upgrade).toContain('--wait --wait-for-jobs ');
  });

  test('gives the chart the image that it has loaded, under a tag made of its content', () => {
    const result = run('kind-up.sh');
    expect(call(result, 'kind load')).toBe(
      'kind load docker-image odometer:0123456789ab --name odometer',
    );
    // As a text: a tag of digits only would be a number, and 1e10 another one.
    expect(call(result, 'helm upgrade')).toContain(
      '--set image.registry= --set image.repository=odometer --set-string image.tag=0123456789ab',
    );
  });

  test('upgrades what is there: a cluster of this name is not made again, another one’s is left alone', () => {
    expect(steps(run('kind-up.sh', { FAKE_CLUSTERS: 'kind\nodometer\n' }))).not.toContain(
      'kind create cluster',
    );
    expect(steps(run('kind-up.sh', { FAKE_CLUSTERS: 'odometer-2\n' }))).toContain(
      'kind create cluster',
    );
  });

  test('builds nothing when an image is named, with a registry and a port or not', () => {
    const result = run('kind-up.sh', { ODOMETER_IMAGE: 'localhost:5000/odometer:1.2.3' });
    expect(steps(result)).not.toContain('docker build --file');
    expect(call(result, 'helm upgrade')).toContain(
      '--set image.repository=localhost:5000/odometer --set-string image.tag=1.2.3',
    );
  });

  test.each([
    ['kind create*', 'kind create cluster'],
    ['docker build*', 'docker build --file'],
    ['kind load*', 'kind load docker-image'],
    ['kubectl --context kind-odometer apply*', 'kubectl apply --filename'],
  ])('stops where %s fails', (fails, last) => {
    const result = run('kind-up.sh', { FAKE_FAILS: fails });
    expect(result.status).not.toBe(0);
    expect(steps(result).at(-1)).toBe(last);
    expect(result.said).not.toContain('Odometer runs.');
  });

  test.each(['helm upgrade*', 'helm test*'])(
    'shows pods, warnings and the migration when %s fails, and fails',
    (fails) => {
      const result = run('kind-up.sh', { FAKE_FAILS: fails });
      expect(result.status).toBe(1);
      expect(steps(result).slice(-3)).toEqual([
        'kubectl --namespace metering',
        'kubectl --namespace metering',
        'kubectl --namespace metering',
      ]);
      expect(result.calls.at(-1)).toContain('component=migrate');
      expect(result.said).toContain('docs/operations.md');
      expect(result.said).not.toContain('Odometer runs.');
    },
  );

  test('names every program that is missing, and where to get it, and changes nothing', () => {
    for (const program of ['kind', 'helm']) rmSync(join(directory, 'bin', program));
    const result = run('kind-up.sh');
    expect(result.status).toBe(1);
    expect(result.said).toContain('kind is missing. Get it from https://kind.sigs.k8s.io');
    expect(result.said).toContain('helm is missing. Get it from https://helm.sh');
    expect(result.calls).toEqual([]);
  });

  test('says so when Docker is there and does not answer', () => {
    const result = run('kind-up.sh', { FAKE_FAILS: 'docker info*' });
    expect(result.status).toBe(1);
    expect(result.said).toContain('its engine does not answer');
    expect(result.calls).toEqual([]);
  });
});

describe('make kind-down', () => {
  test('removes its own cluster', () => {
    const result = run('kind-down.sh', { FAKE_CLUSTERS: 'kind\nodometer\n' });
    expect(result.calls).toEqual(['kind delete cluster --name odometer']);
  });

  test('removes nothing when there is none of this name', () => {
    const result = run('kind-down.sh', { FAKE_CLUSTERS: 'odometer-2\n' });
    expect(result).toMatchObject({ status: 0, calls: [] });
    expect(result.said).toContain('There is no cluster odometer');
  });
});

describe('make minikube-up', () => {
  test('starts a cluster of its own, loads the image, installs the chart, and tests it', () => {
    const result = run('minikube-up.sh', { FAKE_FAILS: 'minikube status*' });
    expect(result.status).toBe(0);
    expect(steps(result)).toEqual([
      'minikube start --profile',
      'docker build --file',
      'docker tag odometer:local',
      'minikube image load',
      'kubectl apply --filename',
      'helm upgrade odometer',
      'helm test odometer',
    ]);
    expect(call(result, 'minikube start')).toMatch(/--kubernetes-version v\d+\.\d+\.\d+ /);
    expect(call(result, 'helm upgrade')).toContain('--kube-context odometer ');
  });

  test('upgrades what runs', () => {
    expect(steps(run('minikube-up.sh'))).not.toContain('minikube start --profile');
  });

  test('says where minikube is to be had', () => {
    rmSync(join(directory, 'bin', 'minikube'));
    expect(run('minikube-up.sh')).toMatchObject({ status: 1, calls: [] });
  });
});

describe('what an uninstallation leaves', () => {
  const uninstalled = (environment = {}) => {
    install('sleep');
    return run('../test/cluster/uninstall-leaves.sh', environment, ['kind-odometer']);
  };
  const looks = ({ calls }: Run) => calls.filter((each) => each.includes(' get ')).length;

  test('is looked at again while pods still end', () => {
    const result = uninstalled();
    expect(result).toMatchObject({ status: 0, said: '' });
    expect(call(result, 'helm uninstall')).toContain('--cascade foreground --wait');
    expect(looks(result)).toBe(3);
  });

  test('is an error after two minutes, and named without what is meant to stay', () => {
    const result = uninstalled({ FAKE_STAYS: '1' });
    expect(result.status).toBe(1);
    expect(result.said).toBe('Uninstalling has left:\npod/odometer-mqtt-counter-0\n');
    expect(looks(result)).toBe(60);
    expect(result.calls.filter((each) => each === 'sleep 2')).toHaveLength(59);
  });

  test('is not taken for nothing when the cluster does not answer', () => {
    const result = uninstalled({ FAKE_FAILS: 'kubectl* get *' });
    expect(result.status).toBe(1);
    expect(looks(result)).toBe(60);
  });
});
