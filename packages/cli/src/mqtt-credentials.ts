import { readFileSync } from 'node:fs';
import type { IClientOptions } from 'mqtt';
import type { MqttSettings } from './settings.ts';

/** What the settings say of who we are at the broker, and whom we trust. @throws Error a file that cannot be read. */
export function mqttCredentials(settings: MqttSettings): IClientOptions {
  const { mqttUsername, mqttPassword, mqttCaFile, mqttCertificateFile, mqttKeyFile } = settings;
  return {
    ...(mqttUsername === undefined ? {} : { username: mqttUsername }),
    ...(mqttPassword === undefined ? {} : { password: mqttPassword }),
    ...(mqttCaFile === undefined ? {} : { ca: readFileSync(mqttCaFile) }),
    ...(mqttCertificateFile === undefined ? {} : { cert: readFileSync(mqttCertificateFile) }),
    ...(mqttKeyFile === undefined ? {} : { key: readFileSync(mqttKeyFile) }),
  };
}
