import { eventsBatch100, eventsLatency, eventsSingle } from './events/event-figures.ts';
import { type Figure, note } from './figure.ts';
import { type Servers, startServers } from './servers.ts';
import { readSettings, type Settings } from './settings.ts';

type Benchmark = (servers: Servers, settings: Settings) => Promise<readonly Figure[]>;

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  'events-batch100': eventsBatch100,
  'events-single': eventsSingle,
  'events-latency': eventsLatency,
};

const only = process.env.ONLY;
const settings = readSettings(process.env);
const servers = await startServers();
try {
  for (const [name, benchmark] of Object.entries(BENCHMARKS)) {
    if (only && only !== name) continue;
    note(`${name} …`);
    for (const figure of await benchmark(servers, settings)) {
      process.stdout.write(`${JSON.stringify(figure)}\n`);
    }
  }
} finally {
  await servers.stop();
}
