/**
 * Loaded into a service with `--import`, writes a CPU profile of its whole life when it ends, for Chrome's developer
 * tools. Node refuses `--cpu-prof` in NODE_OPTIONS.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { basename, dirname, join } from 'node:path';

const directory = process.env.BENCH_PROFILE;
if (directory !== undefined) {
  const service = basename(dirname(dirname(process.argv[1] ?? '')));
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('exit', () => {
    // Within one process the callback comes before `post` returns.
    session.post('Profiler.stop', (error, { profile }) => {
      if (error !== null) return;
      mkdirSync(directory, { recursive: true });
      const file = join(directory, `${service}-${process.pid}.cpuprofile`);
      writeFileSync(file, JSON.stringify(profile));
    });
  });
}
