import { relative } from 'node:path';
import { frontUrl, readAddress } from './addresses.ts';
import { envFile, logDirectory, portOf, type Settings } from './settings.ts';

/** What `make up` ends with: where things are, and the main job in three commands. */
export function welcome(settings: Settings): string {
  const here = (path: string) => relative(settings.repository, path) || path;
  const key = readAddress(settings, 'ODOMETER_API_KEY') ?? '';
  return `
Odometer is running${settings.demo ? ', with a demo fleet' : ''}.

  HTTP        ${frontUrl(settings)}
  MQTT        mqtt://127.0.0.1:${portOf(settings, 'mosquitto')}
  PostgreSQL  127.0.0.1:${portOf(settings, 'postgres')}    Redis  127.0.0.1:${portOf(settings, 'redis')}
  API key     ${key}
  All of them, with passwords, are in ${here(envFile(settings))}:  . ./${here(envFile(settings))}

Publish a message, post an event, read the totals:

  mosquitto_pub -p ${portOf(settings, 'mosquitto')} -q 1 -t roboticks/acme/rover/robot-1/telemetry -m '{"battery":87}'

  curl -i ${frontUrl(settings)}/api/v1/events -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/cloudevents+json' -d '{"specversion":"1.0","id":"'$(date +%s)'","source":"my-app","type":"api_calls","subject":"acme/rover"}'

  ./odometer usage acme/rover
${settings.demo ? '  ./odometer posthoc runs                    # bytes by the access logs of the demo\n' : ''}
Logs are in ${here(logDirectory(settings))}/. "make down" stops it and keeps the data.`;
}
