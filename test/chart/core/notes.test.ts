import { describe, expect, test } from '@jest/globals';
import { helmNotes, type Values } from '../harness/helm.ts';
import { valuesFile } from '../harness/rendered-chart.ts';

function said(file: string, values: Values = {}): string {
  const { ok, stdout, stderr } = helmNotes({ files: [valuesFile(file).path], values });
  if (!ok) throw new Error(stderr);
  return stdout;
}

describe('after an installation', () => {
  test('what runs is told as it runs', () => {
    const text = said('ci/minimal', {
      components: {
        ingestApi: { autoscaling: { minReplicas: 2, maxReplicas: 9, hpa: { enabled: true } } },
        countingWorker: { autoscaling: { keda: { enabled: true } } },
        s3UsageWatcher: { enabled: false },
        statsApi: { replicas: 0 },
      },
    });
    expect(text).toMatch(/ingest-api +2 to 9 pods \(HorizontalPodAutoscaler\)/);
    expect(text).toMatch(/counting-worker +2 to 10 pods \(KEDA\)/);
    expect(text).toMatch(/stats-api +0 pod\(s\)/);
    expect(text).not.toContain('s3-usage-watcher');
  });

  test.each([
    ['job', /a Job migrates it, and pods wait for it/],
    ['hook', /a hook has migrated it before/],
    ['initContainer', /each pod migrates it before it starts/],
    ['none', /you migrate it, with `odometer migrate`/],
  ])('the strategy %s is told', (strategy, sentence) => {
    expect(said('ci/minimal', { migrations: { strategy } })).toMatch(sentence);
  });

  test('it is said where Odometer is reached', () => {
    expect(said('ci/minimal')).toContain('port-forward service/odometer-stats-api 8085');
    const text = said('ci/full');
    expect(text).toContain('https://metering.metering.example.org (Ingress)');
    expect(text).toContain('metering.example.org (HTTPRoute)');
    expect(text).not.toContain('port-forward');
    const plain = { ingress: { enabled: true, hosts: ['usage.example.org'] } };
    expect(said('ci/minimal', plain)).toContain('http://usage.example.org (Ingress)');
  });

  test('the test is offered where there is one', () => {
    expect(said('ci/minimal')).toContain('helm test odometer -n metering --logs');
    expect(said('ci/minimal', { tests: { enabled: false } })).not.toContain('helm test');
    const alone = { components: { ingestApi: { enabled: false } } };
    expect(said('ci/minimal', alone)).not.toContain('helm test');
  });
});

describe('before production', () => {
  test('what is only for trying out is named', () => {
    expect(said('ci/bundled')).toContain('- The bundled postgres, valkey, mosquitto: one pod each');
    expect(said('ci/minimal')).not.toContain('bundled');
  });

  test('every hop that can be read is named', () => {
    const open = said('ci/minimal', {
      postgres: { sslMode: 'disable' },
      redis: { tls: false, existingSecret: '', durability: 'volatile' },
      mqtt: { url: '{{ "mqtt" }}://broker', existingSecret: '' },
    });
    for (const sentence of [
      'postgres.sslMode=disable',
      'redis.tls=false',
      'redis.existingSecret is empty',
      'redis.durability=volatile: acknowledged usage is lost',
      'mqtt.url is without TLS',
      'The counter has no credentials',
      'networkPolicy.enabled=false',
      'prometheusRule.enabled=false',
    ]) {
      expect(open).toContain(sentence);
    }
  });

  test('a network policy that lets nobody in is named, and who is closed off by it', () => {
    const peers = [{ ipBlock: { cidr: '10.0.0.0/8' } }];
    const open = { enabled: true, postgresTo: peers, redisTo: peers, mqttTo: peers };
    const sentence = 'networkPolicy.ingressFrom is empty: nothing in the cluster but';
    expect(said('ci/minimal', { networkPolicy: open })).toMatch(
      /ingressFrom is empty: .* reaches ingest-api, s3-usage-watcher, stats-api\. Say there/,
    );
    for (const other of [{ ingressFrom: peers }, { extraIngress: [{ from: peers }] }]) {
      expect(said('ci/minimal', { networkPolicy: { ...open, ...other } })).not.toContain(sentence);
    }
  });

  test('without any worker it is said where usage waits', () => {
    const off = { enabled: false };
    const components = { countingWorker: off, measuringWorker: off, posthocWorker: off };
    expect(said('ci/minimal', { components })).toContain(
      '- No worker is enabled: what is taken in waits in Redis',
    );
  });

  test('there is nothing to say when nothing is left to do', () => {
    expect(said('ci/full')).not.toContain('Before people are billed by it');
  });
});
