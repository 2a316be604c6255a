import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { findProgram } from '@odometer/local-stack/find-program';
import { awaitReady, spawnServer } from '@odometer/local-stack/server-process';
import { freePort } from '@odometer/local-stack/tcp-port';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { parse } from 'yaml';

// The very scripts of compose's broker, with the Mosquitto of this machine.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);
const read = (path: string) => readFileSync(join(REPOSITORY, 'docker', path), 'utf8');
const { entrypoint, healthcheck } = parse(read('compose.yaml')).services.mosquitto;

test('the broker starts with both users, keeps others, takes nobody else, and is found healthy', async () => {
  const directory = temporaryDirectory('compose-broker');
  const port = await freePort();
  /** As compose hands it to the shell, with folders of our own. */
  const here = (script: string) =>
    script.replaceAll('$$', '$').replaceAll(/\/(mosquitto|tmp)\//g, `${directory}/`);
  for (const folder of ['data', 'config']) mkdirSync(join(directory, folder));
  const configuration = here(read('compose/mosquitto.conf')).replace(
    'listener 1883',
    `listener ${port} 127.0.0.1`,
  );
  // Started by root it would become a user who may read none of this.
  const user = process.geteuid?.() === 0 ? 'user root\n' : '';
  writeFileSync(join(directory, 'config/mosquitto.conf'), configuration + user);
  writeFileSync(join(directory, 'config/mosquitto.acl'), read('compose/mosquitto.acl'));
  const passwords = join(directory, 'data/passwords');
  writeFileSync(passwords, 'other:$7$101$c2FsdA==$aGFzaA==\n');

  const programs = ['mosquitto', 'mosquitto_passwd', 'mosquitto_sub'].map((program) =>
    dirname(findProgram(program)),
  );
  const env = {
    PATH: [...programs, process.env.PATH].join(':'),
    MQTT_PASSWORD: 'p@ss: w$rd%/',
    MQTT_ORGANIZATION: 'acme',
    MQTT_ORGANIZATION_PASSWORD: 'another',
  };
  const subscribe = (more = '') =>
    execute('sh', ['-c', `${here(healthcheck.test[1])} -p ${port} ${more}`], { env });
  const logFile = join(directory, 'log');
  const broker = await spawnServer({
    name: 'mosquitto',
    command: ['sh', '-c', here(entrypoint[2])],
    env,
    logFile,
  });
  try {
    await awaitReady(broker, async () => void (await subscribe()), logFile, 20_000);
    expect((await subscribe()).stdout).toMatch(/^\d+ seconds$/m);
    await subscribe("-u acme -P another -t 'roboticks/acme/#' -E");
    for (const wrong of ['-P wrong', '-u acme -P wrong', '-u other -P aGFzaA=='])
      await expect(subscribe(wrong)).rejects.toThrow(/not authori[sz]ed/i);
  } finally {
    await broker.stop();
  }
  const users = readFileSync(passwords, 'utf8').matchAll(/^(\w+):/gm);
  expect([...users].map(([, name]) => name)).toEqual(['other', 'odometer', 'acme']);
});
