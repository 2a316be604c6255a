import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { compare } from '../harness/compare.ts';
import { waitingBatches } from '../harness/jobs.ts';
import { planEvents } from '../harness/plan-load.ts';
import { postEvents } from '../harness/post-events.ts';
import type { Scenario } from '../harness/scenario.ts';
import { settle } from '../harness/settle.ts';
import { underLoad } from '../harness/under-load.ts';

const JOB_NAMES = { 'ingest-api': 'event-batch', 'mqtt-counter': 'count-batch' } as const;

/** Redis has executed a producer's command, and the reply never arrives: the producer cannot know. */
export function loseReplies(): Scenario {
  const proxies = new Map<string, TcpProxy>();
  const lose = (service: keyof typeof JOB_NAMES, times: number) => {
    const match = (request: Buffer) => request.includes(JOB_NAMES[service]);
    proxies.get(service)?.dropReplies({ match, times });
  };
  return {
    name: 'totals are exact, and no job is added twice, when replies of Redis to producers are lost',
    system: {
      redisUrlFor: async (service, url) => {
        if (!(service in JOB_NAMES)) return url;
        const proxy = await tcpProxy(Number(new URL(url).port));
        proxies.set(service, proxy);
        return proxy.url(url);
      },
    },
    async run(system, random) {
      const loseSome = async () => {
        lose(random.pick(['ingest-api', 'mqtt-counter'] as const), random.integer(1, 3));
      };
      const violations = await underLoad(
        system,
        random,
        Array.from({ length: 10 }, () => loseSome),
      );

      // With nobody to take them, jobs can be looked at.
      for (const worker of system.workers) worker.process.signal('SIGSTOP');
      const [request = []] = planEvents(random, 100, `lost-${random.seed}`, Date.now());
      lose('ingest-api', 1);
      const options = {
        urls: system.ingestUrls,
        key: system.apiKey,
        oracle: system.oracle,
        clients: 1,
        isDue: () => true,
        deadlineMs: 30_000,
      };
      violations.push(...(await postEvents([request], options)));
      const batches = await waitingBatches(system, 'events');
      const distinct = new Set(batches.map(({ epoch, seq }) => `${epoch}.${seq}`));
      if (batches.length !== distinct.size) {
        violations.push(
          `${batches.length} jobs hold ${distinct.size} batches: a reply was lost, and a job added twice`,
        );
      }
      for (const worker of system.workers) worker.process.signal('SIGCONT');
      for (const proxy of proxies.values()) {
        if (proxy.dropped === 0)
          violations.push('the test has lost no reply: it has shown nothing');
        proxy.pass();
      }
      await settle(system);
      return [...violations, ...(await compare(system))];
    },
    end: async () => {
      for (const proxy of proxies.values()) await proxy.close();
    },
  };
}
