import type { ProjectName } from '@odometer/database/registry';
import { z } from 'zod';
import { ask } from './ask.ts';
import type { Attempt } from './patience.ts';

/** What a project used in its life, of the two meters that are tried. */
export interface Totals {
  readonly apiCalls: bigint;
  readonly mqttInbound: bigint;
}

/** Figures beyond 2^53 come as texts. */
const figure = z.union([z.string(), z.number()]).transform(BigInt);
const stats = z.object({ lifetime_api_calls: figure, lifetime_mqtt_inbound: figure });

/** Asks stats-api. Of a project that nobody has seen yet it knows nothing: zeros. */
export async function readTotals(
  statsUrl: string,
  apiKey: string,
  { organization, project }: ProjectName,
): Promise<Attempt<Totals>> {
  const url = `${statsUrl}/api/v1/projects/${encodeURIComponent(`${organization}/${project}`)}/stats`;
  const answer = await ask(url, { headers: { authorization: `Bearer ${apiKey}` } }, [200, 404]);
  if (!('done' in answer)) return answer;
  const { status, text } = answer.done;
  if (status === 404) return { done: { apiCalls: 0n, mqttInbound: 0n } };
  const { lifetime_api_calls, lifetime_mqtt_inbound } = stats.parse(JSON.parse(text));
  return { done: { apiCalls: lifetime_api_calls, mqttInbound: lifetime_mqtt_inbound } };
}
