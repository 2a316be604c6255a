import { type Figure, note } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { median, rounded } from '../statistics.ts';
import { bareSubscriberRate, type CounterRun, counterRun, type MqttLoad } from './mqtt-runs.ts';

const AGAINST = 'bare MQTT.js subscriber';
/** A few seconds' worth; QoS 0 is more than twice as fast. */
const MESSAGES = { 0: 480_000, 1: 240_000 } as const;
const WARM_UP = 40_000;
const PROJECTS = 100;
const GROWTH = [100, 1_000, 10_000] as const;
const MEBIBYTE = 1_048_576;

function loadOf(settings: Settings, load: Pick<MqttLoad, 'qos'> & Partial<MqttLoad>): MqttLoad {
  return {
    upgradeOutgoingQos: false,
    projects: PROJECTS,
    warmUp: Math.round(WARM_UP * settings.scale),
    messages: Math.round(MESSAGES[load.qos] * settings.scale),
    ...load,
  };
}

interface Measured {
  readonly figure: Figure;
  readonly runs: readonly CounterRun[];
}

async function ratio(
  servers: Servers,
  settings: Settings,
  bench: string,
  load: MqttLoad,
  target: number | undefined,
): Promise<Measured> {
  const runs: CounterRun[] = [];
  const odometer = async () => {
    const run = await counterRun(servers, settings, load);
    runs.push(run);
    return run.rate;
  };
  const rates = await interleave(bench, settings.pairs, [
    { name: 'odometer', run: odometer },
    { name: 'bare', run: () => bareSubscriberRate(load) },
  ]);
  const comparison = compare(rates.odometer, rates.bare);
  const goal =
    target === undefined
      ? {}
      : { target: `ratio ≥ ${target}`, reached: comparison.ratio >= target };
  const figure = {
    bench,
    value: rounded(median(rates.odometer)),
    unit: 'msg/s',
    against: AGAINST,
    ...comparison,
    ...goal,
    projects: load.projects,
  };
  return { figure, runs };
}

/** What the runs of the ratio showed besides: how long totals take, and how much memory the counter. */
function besides({ runs }: Measured): readonly Figure[] {
  const lags = runs.map(({ totalsLagMs }) => totalsLagMs / 1_000);
  const memory = runs.flatMap(({ counterPeakMemoryBytes }) => counterPeakMemoryBytes ?? []);
  const lag: Figure = {
    bench: 'mqtt-totals-lag',
    value: rounded(median(lags)),
    unit: 's',
    max: rounded(Math.max(...lags)),
    target: 'complete within 2 s of the last message',
    reached: Math.max(...lags) <= 2,
  };
  if (memory.length === 0) {
    note('  mqtt-counter-memory: this machine has no /proc, from which a peak could be read');
    return [lag];
  }
  const peak = rounded(Math.max(...memory) / MEBIBYTE);
  return [
    lag,
    {
      bench: 'mqtt-counter-memory',
      value: peak,
      unit: 'MiB',
      target: 'peak resident memory ≤ 150 MB',
      reached: peak <= 150e6 / MEBIBYTE,
    },
  ];
}

export async function mqttQos1(servers: Servers, settings: Settings): Promise<readonly Figure[]> {
  const measured = await ratio(servers, settings, 'mqtt-qos1', loadOf(settings, { qos: 1 }), 0.9);
  return [measured.figure, ...besides(measured)];
}

export async function mqttQos0(servers: Servers, settings: Settings): Promise<readonly Figure[]> {
  const load = loadOf(settings, { qos: 0 });
  return [(await ratio(servers, settings, 'mqtt-qos0', load, 0.85)).figure];
}

/** The bare subscriber gets the same treatment from the broker: QoS 0 comes as QoS 1, and is acknowledged. */
export async function mqttQos0Upgraded(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const load = loadOf(settings, { qos: 0, upgradeOutgoingQos: true });
  return [(await ratio(servers, settings, 'mqtt-qos0-upgraded', load, undefined)).figure];
}

/** How the ratio changes with the number of projects. Each size has pairs of its own. */
export async function mqttGrowth(servers: Servers, settings: Settings): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const projects of GROWTH) {
    const load = loadOf(settings, { qos: 1, projects });
    figures.push(
      (await ratio(servers, settings, `mqtt-growth-${projects}`, load, undefined)).figure,
    );
  }
  const first = figures[0]?.ratio ?? Number.NaN;
  const lowest = Math.min(...figures.map(({ ratio: each = Number.NaN }) => each));
  const fall = rounded((1 - lowest / first) * 100);
  return [
    ...figures,
    {
      bench: 'mqtt-growth',
      value: fall,
      unit: '% fall of the ratio',
      against: `${AGAINST} at the same number of projects`,
      projects: GROWTH.join(', '),
      target: 'from 100 to 10,000 projects the ratio falls by ≤ 15 %',
      reached: fall <= 15,
    },
  ];
}
