import { randomUUID } from 'node:crypto';
import type { ProjectName } from '@odometer/database/registry';
import type { Command } from 'commander';
import { endKey, makeKey } from '../api-keys.ts';
import { httpAddress, projectName, wholeNumber } from '../arguments.ts';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { startProgress } from '../progress.ts';
import { type MqttSettings, readSmokeSettings } from '../settings.ts';
import { ask } from './ask.ts';
import { Patience } from './patience.ts';
import { smokeTopic } from './topic.ts';
import { readTotals, type Totals } from './totals.ts';

interface SmokeOptions extends OutputOptions {
  readonly ingestUrl?: string;
  readonly statsUrl?: string;
  readonly project: ProjectName;
  readonly topicTemplate: string;
  readonly timeout: number;
}

/** What one run is told, besides its key. */
interface Targets extends Pick<SmokeOptions, 'project' | 'topicTemplate'> {
  readonly ingestUrl: string;
  readonly statsUrl: string;
  readonly mqtt: MqttSettings;
}

export function addSmoke(program: Command): void {
  addCommand(program, 'smoke', 'post an event, publish a message, and wait until both are counted')
    .option('--ingest-url <url>', 'where ingest-api is; ODOMETER_URL by default', httpAddress)
    .option('--stats-url <url>', 'where stats-api is; ODOMETER_URL by default', httpAddress)
    .option('--project <name>', 'whose usage it is: ORGANIZATION/PROJECT', projectName, {
      organization: 'odometer',
      project: 'smoke',
    })
    .option(
      '--topic-template <template>',
      'as mqtt-counter has it; without MQTT_URL nothing is published',
      'roboticks/{organization}/{project}/{device}/#',
    )
    .option('--timeout <seconds>', 'how long it waits', wholeNumber, 120)
    .action(smoke);
}

async function smoke(options: SmokeOptions, command: Command): Promise<void> {
  const settings = readSmokeSettings();
  const { ingestUrl = settings.publicUrl, statsUrl = settings.publicUrl } = options;
  if (ingestUrl === undefined || statsUrl === undefined) {
    return command.error('error: give --ingest-url and --stats-url, or set ODOMETER_URL');
  }
  const targets = { ...options, ingestUrl, statsUrl, mqtt: settings };
  const patience = new Patience(options.timeout);
  const { apiKey } = settings;
  const counted =
    apiKey === undefined
      ? await withOwnKey((key) => countOnce(targets, key, patience))
      : await countOnce(targets, apiKey, patience);
  if (options.json) return printJson(counted);
  print(`event:   ${counted.event}`);
  print(`message: ${counted.message}`);
}

/**
 * Lends a key that lives as long as the work. One that is left behind by a kill is of no use: nobody knows its secret.
 */
async function withOwnKey<Result>(work: (key: string) => Promise<Result>): Promise<Result> {
  return withPostgres(async (pool) => {
    const { key, secret } = await makeKey(pool, {
      name: 'odometer smoke',
      scopes: ['ingest', 'read'],
      organization: null,
    });
    try {
      return await work(secret);
    } finally {
      await endKey(pool, key.id);
    }
  });
}

async function countOnce(
  { ingestUrl, statsUrl, project, topicTemplate, mqtt }: Targets,
  apiKey: string,
  patience: Patience,
): Promise<{ readonly event: string; readonly message: string }> {
  const progress = startProgress();
  try {
    progress.tell('asking what was counted so far');
    const totals = (of: ProjectName) =>
      patience.until('totals could be read', () => readTotals(statsUrl, apiKey, of));
    const counted = (what: string, of: ProjectName, before: Totals, meter: keyof Totals) =>
      patience.until(`${what} was counted`, async () => {
        const now = await readTotals(statsUrl, apiKey, of);
        if (!('done' in now)) return now;
        return now.done[meter] > before[meter]
          ? { done: undefined }
          : {
              notYet: `${what} was taken, but the total of ${of.organization}/${of.project} is still ${before[meter]}; are the workers ready, and may the project be discovered?`,
            };
      });

    const { mqttUrl } = mqtt;
    const { topic, owner } = smokeTopic(topicTemplate, project);
    const before = await totals(project);
    const ownersBefore = await totals(owner);

    progress.tell('posting an event');
    const event = smokeEvent(project);
    await patience.until('the event was accepted', () =>
      ask(`${ingestUrl}/api/v1/events`, eventRequest(event, apiKey), [204]),
    );
    if (mqttUrl !== undefined) {
      progress.tell('publishing a message');
      const { publishMessage } = await import('./publish-message.ts');
      await patience.until('the message was acknowledged', () =>
        publishMessage(mqttUrl, mqtt, topic),
      );
    }

    progress.tell('waiting until it is counted');
    await counted('the event', project, before, 'apiCalls');
    if (mqttUrl !== undefined) await counted('the message', owner, ownersBefore, 'mqttInbound');
    return {
      event: 'counted',
      message: mqttUrl === undefined ? 'not tried: MQTT_URL is not set' : 'counted',
    };
  } finally {
    progress.done();
  }
}

/** The same id in every attempt, so that it counts once. */
function smokeEvent({ organization, project }: ProjectName) {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: 'odometer-smoke',
    type: 'api_calls',
    subject: `${organization}/${project}/smoke`,
  };
}

function eventRequest(event: object, apiKey: string): RequestInit {
  return {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/cloudevents+json',
    },
    body: JSON.stringify(event),
  };
}
