import { spawn } from 'node:child_process';

/**
 * Ends what a test process started when that process is gone, however it went: a failed hook, a
 * crash, SIGKILL. A small shell reads our orders from a pipe; when the pipe closes, because we
 * ended, it kills every process still on its list and removes the directories.
 *
 * It has a session of its own, so that Ctrl-C reaches the tests and not it.
 */
export const WATCHDOG_SCRIPT = `
pids=' '; directories=
while read -r order value; do
  case $order in
    watch) pids="$pids$value " ;;
    release) pids="\${pids%% $value *} \${pids#* $value }" ;;
    remove) directories="$directories $value" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
[ -z "$pids" ] || sleep 1
for directory in $directories; do rm -rf "$directory"; done
`;

let orders: NodeJS.WritableStream | undefined;

function order(line: string): void {
  if (orders === undefined) {
    const shell = spawn('/bin/sh', ['-c', WATCHDOG_SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    shell.unref();
    const { stdin } = shell;
    // A pipe that keeps the event loop alive would keep jest from ending.
    if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
    orders = stdin;
  }
  orders.write(`${line}\n`);
}

/** Has this process killed when we are gone, until it has ended by itself. */
export function watchProcess(pid: number, exited: Promise<unknown>): void {
  order(`watch ${pid}`);
  // Its number may be given to a stranger after this.
  void exited.then(() => order(`release ${pid}`));
}

/** Has this directory removed when we are gone. */
export function watchDirectory(path: string): void {
  order(`remove ${path}`);
}
