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
  readonly AWS_ENDPOINT_URL_S3: string;
  readonly AWS_ENDPOINT_URL_SQS: string;
  readonly AWS_REGION: string;
  /** The emulator looks at neither; the SDK wants both. */
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
}

/** Of S3 and SQS, which the emulator serves at one address. */
export function objectStoreAddresses(
  settings: Settings,
): Pick<
  Addresses,
  | 'AWS_ENDPOINT_URL_S3'
  | 'AWS_ENDPOINT_URL_SQS'
  | 'AWS_REGION'
  | 'AWS_ACCESS_KEY_ID'
  | 'AWS_SECRET_ACCESS_KEY'
> {
  const url = `http://127.0.0.1:${portOf(settings, 'object-store')}`;
  return {
    AWS_ENDPOINT_URL_S3: url,
    AWS_ENDPOINT_URL_SQS: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'emulator',
    AWS_SECRET_ACCESS_KEY: 'emulator',
  };
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
