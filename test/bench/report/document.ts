import type { Figure } from '../figure.ts';

/** What one run of one benchmark left in the document. */
export interface Entry {
  readonly benchmark: string;
  readonly measuredOn: string;
  readonly figures: readonly Figure[];
}

/** All that the document says; kept in it as well, so that a run of one benchmark replaces only that one. */
export interface Measurements {
  readonly machine: readonly string[];
  readonly entries: readonly Entry[];
}

const OPEN = '<!-- measurements: ';
const CLOSE = ' -->';

/** The measurements of a document that `renderDocument` made; undefined of any other. */
export function readDocument(text: string): Measurements | undefined {
  const start = text.indexOf(OPEN);
  const end = text.indexOf(CLOSE, start);
  if (start === -1 || end === -1) return undefined;
  return JSON.parse(text.slice(start + OPEN.length, end)) as Measurements;
}

/** Puts new entries in the place of those of the same benchmarks. On another machine nothing of the old ones is kept. */
export function mergeMeasurements(
  old: Measurements | undefined,
  machine: readonly string[],
  entries: readonly Entry[],
  order: readonly string[],
): Measurements {
  const isSame = old !== undefined && old.machine.join('\n') === machine.join('\n');
  const byName = new Map(
    [...(isSame ? old.entries : []), ...entries].map((entry) => [entry.benchmark, entry]),
  );
  return { machine, entries: order.flatMap((name) => byName.get(name) ?? []) };
}

const HOW = `## How to read them

A rate says as much about the machine as about the program, so what counts are the **ratios**. Each is the median over
interleaved pairs: both sides run one after the other, in alternating order, on the same servers with the same settings;
the range is the least and the greatest of the pairs. Every process, load generators included, shares the cores above.
Each run has a fresh database, an empty Redis and, for MQTT, a fresh broker and clean sessions; its first messages and
events warm both sides up before the clock starts. A run in which a single message or event is lost or counted twice
fails the benchmark.

* **mqtt-qos1, mqtt-qos0, mqtt-qos0-upgraded**: from the first publish to the last message being in a durable flush, with
  \`mqtt-counter\`, Redis (\`appendfsync always\`), \`stats-worker\` and PostgreSQL (\`fsync\` on) running, against
  [a bare MQTT.js subscriber](../test/bench/mqtt/bare-subscriber.ts) that counts in memory and acknowledges at once. One
  publisher, a process of its own, publishes to 100 projects as fast as the broker takes it. *upgraded*:
  the broker has \`upgrade_outgoing_qos\`, so QoS 0 messages come to both sides as QoS 1 and survive a restart of the counter.
* **mqtt-totals-lag**: in the runs of mqtt-qos1, from the last message reaching the counter to the totals in PostgreSQL
  being complete. The moment of arrival is known to a quarter of a second, and the figure errs on the long side.
* **mqtt-counter-memory**: the peak resident memory (\`VmHWM\`) of \`mqtt-counter\` in the same runs.
* **mqtt-growth**: mqtt-qos1 with 100, 1,000 and 10,000 projects, each against the bare subscriber with as many.
* **events-batch100, events-single**: over 32 keep-alive connections, requests of 100 events and of one, from the first
  request to the last event being applied in PostgreSQL. \`ratio\` is against
  [a plain loop](../test/bench/events/plain-loop.ts) that only inserts the same rows into the same two tables, 2,000 a
  transaction. \`naiveRatio\` is against the naive shape: [an endpoint](../test/bench/events/naive-ingest.ts) that adds one
  BullMQ job per event, and [a worker](../test/bench/events/naive-worker.ts) that does one upsert per event.
* **events-latency**: the median and the 99th percentile (\`p99\`) of requests with one event, sent evenly at half the rate
  of events-single whether answers come or not, from when a request was due to its answer.
* **close-month**: the close of a month with usage of 10,000 projects × 10 meters × 31 days, from the job to the last
  manifest, by a real \`stats-worker\`: every month is compared with its hours and its days, frozen, charged and hashed.
  \`ratio\` is against the bare \`insert … select … group by\` of the same days. \`loopRatio\` is against a loop that reads,
  inserts and marks for each project and meter, a statement each (2 % of the projects, scaled up); \`bareLoopRatio\` is what
  the bare statement makes of that loop, and no close can make much more.
* **limits-check, project-stats**: \`POST /api/v1/limits/check\` and \`GET /api/v1/projects/{id}/stats\`, one request at a time
  for projects drawn at random out of 100,000, against [express with one row by its primary key](../test/bench/reading/bare-read.ts):
  medians, and the 99th percentile of ours.
* **query-day**: a month of 1,000,000 events by the day, from what is summed up, against the same question answered from the
  events. Both answers must be the same.
* **object-changes**: 200,000 changes of objects (six in ten new, three replaced, one removed; 100 projects), from the first job in
  its queue to the last commit by a real \`stats-worker\`, with claims, owners, levels and byte-time, against bare upserts of the
  same rows into the same table, 1,000 a statement.
* **list-bucket**: a bucket of 200,000 objects measured by a real \`stats-worker\`, from the job to its end: listed in shards, eight at once,
  and every page compared with the ledger, against the AWS SDK's own paginator that only adds up sizes, one page after the other.
  [The store](../test/bench/storage/synthetic-store.ts) takes 50 ms to begin an answer, as S3 does. Both must find the same bytes.
* **list-memory**: the worker's peak resident memory (\`VmHWM\`) when it fills the ledger of a bucket with 1,000,000 objects, against one
  with 10,000. Both have an old space of 96 MB: what V8 lets stand when it has more room says nothing about what is kept.
* **posthoc-duckdb**: 5,000,000 lines of a load balancer in files of 250,000, compressed, from the engine being asked for a window to its
  whole answer, against [DuckDB's own query](../test/bench/posthoc/plain-side.ts) in a process of its own, with the same memory and
  threads, which counts no line that it cannot read. Both must answer the same. Our side has read the files before, as it has of
  most: each is read for every window in which its lines may be, and for every revision of these, some hundred times with hours.
* **posthoc-duckdb-first**: the same, of files that it has not read before. They are decompressed a second time beside the query, so that none
  that is cut off is believed, which DuckDB does without a word.
* **posthoc-duckdb-memory**: the peak resident memory (\`VmHWM\`) of our side, above what its process had before DuckDB was loaded.
* **cold-start**: each service from its start to \`/readyz\`, bundled as it is in the image, against the same service from its
  compiled files, as \`make up\` runs it. PostgreSQL, Redis and Mosquitto are up, the schema is there; looked at every 50 ms.
* **image-size, image-size-distroless**: what \`docker save | gzip\` makes of the image on either base, by \`make image-test\`. Where
  the bases cannot be pulled they are stand-ins (Debian by debootstrap, Node from its npm package), a few MB off the real ones.
`;

/** docs/benchmarks.md. */
export function renderDocument(measurements: Measurements): string {
  const rows = measurements.entries.flatMap(({ measuredOn, figures }) =>
    figures.map((figure) => row(figure, measuredOn)),
  );
  return [
    '# Benchmarks',
    '',
    'Written by `make bench`; `make bench ONLY=mqtt-qos1` measures one again and replaces its lines.',
    '',
    ...measurements.machine.map((fact) => `* ${fact}`),
    '',
    '| figure | ours | theirs | ratio | target | reached | measured on |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
    HOW,
    `${OPEN}${JSON.stringify(measurements)}${CLOSE}`,
    '',
  ].join('\n');
}

const LOCALE = 'en-US';

function row(figure: Figure, measuredOn: string): string {
  const { bench, value, unit, baseline, target = '', reached } = figure;
  const ours = `${value.toLocaleString(LOCALE)} ${unit}${details(figure)}`;
  const theirs = baseline === undefined ? '' : baseline.toLocaleString(LOCALE);
  const outcome = reached === undefined ? '' : reached ? 'yes' : '**no**';
  return `| ${bench} | ${ours} | ${theirs} | ${ratio(figure)} | ${target} | ${outcome} | ${measuredOn} |`;
}

function details({ p99, max, requestsPerSecond }: Figure): string {
  const all = [
    p99 === undefined ? undefined : `p99 ${p99} ms`,
    max === undefined ? undefined : `at most ${max} s`,
    requestsPerSecond === undefined
      ? undefined
      : `at ${requestsPerSecond.toLocaleString(LOCALE)} requests/s`,
  ].filter((text) => text !== undefined);
  return all.length === 0 ? '' : ` (${all.join(', ')})`;
}

function ratio({
  ratio: median,
  ratioMin,
  ratioMax,
  pairs,
  naiveRatio,
  loopRatio,
}: Figure): string {
  if (median === undefined) return '';
  const naive = naiveRatio === undefined ? '' : `; naive ${naiveRatio}`;
  const loop = loopRatio === undefined ? '' : `; loop ${loopRatio}`;
  return `**${median}** (${ratioMin} to ${ratioMax}, ${pairs} pairs)${naive}${loop}`;
}
