import { readFileSync, writeFileSync } from 'node:fs';
import { envFile, portOf, type Settings } from './settings.ts';

/** Where the running stack is found, by the names that programs look for in their environment. */
export interface Addresses {
  readonly ODOMETER_URL: string;
  /** An admin key, made once per database. */
  readonly ODOMETER_API_KEY: string;
  readonly DATABASE_URL: string;
  readonly REDIS_URL: string;
  readonly MQTT_URL: string;
}

export function frontUrl(settings: Settings): string {
  return `http://127.0.0.1:${portOf(settings, 'front')}`;
}

/** Writes `.odometer/env`, for `.` of a shell; readable by its owner only, because it holds secrets. */
export function writeEnvFile(settings: Settings, addresses: Addresses): void {
  const lines = Object.entries(addresses).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(envFile(settings), `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** One address from `.odometer/env`; undefined before the first `make up`. */
export function readAddress(settings: Settings, name: keyof Addresses): string | undefined {
  try {
    const line = new RegExp(`^export ${name}='(.*)'$`, 'm').exec(
      readFileSync(envFile(settings), 'utf8'),
    );
    return line?.[1];
  } catch {
    return undefined;
  }
}
