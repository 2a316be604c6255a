import { frontUrl } from './addresses.ts';
import { explainLog, logTail } from './log-tail.ts';
import { say } from './run-command.ts';
import { SERVICES } from './services.ts';
import { logFile, portOf, type Settings } from './settings.ts';
import { StackError } from './stack-error.ts';
import { readStatus } from './status-file.ts';

/** A service reaches its database and its broker within seconds; a busy machine takes longer. */
const READY_DEADLINE_MS = 90_000;
const POLL_MS = 150;

interface Question {
  readonly name: string;
  readonly ask: () => Promise<string | undefined>;
}

function why(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** Undefined when it is green, else what it answers. */
async function askReadyz(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
    const body = await response.text();
    return response.ok ? undefined : `/readyz answers ${response.status} ${body.slice(0, 300)}`;
  } catch (error) {
    return why(error);
  }
}

/** The front has no opinion of its own: any answer, to a path that nobody serves, is one. */
async function askFront(url: string): Promise<string | undefined> {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(3_000) })).arrayBuffer();
    return undefined;
  } catch (error) {
    return why(error);
  }
}

async function awaitGreen(settings: Settings, { name, ask }: Question): Promise<void> {
  const deadline = Date.now() + READY_DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer === undefined) {
      say(`  ${name} is ready`);
      return;
    }
    const misconfigured = readStatus(settings)?.misconfigured.includes(name) === true;
    if (misconfigured || Date.now() > deadline) {
      const tail = logTail(logFile(settings, name));
      const reason = misconfigured ? 'its configuration is wrong' : (explainLog(tail) ?? answer);
      throw new StackError(
        `${name} is not ready: ${reason}. It goes on trying; "make down" stops it. Last lines of ${logFile(settings, name)}:\n${tail}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Returns when every service's `/readyz` is green and the front address answers.
 * @throws StackError naming the service that is not, what it says and the end of its log.
 */
export async function awaitServices(settings: Settings): Promise<void> {
  const questions: readonly Question[] = [
    ...SERVICES.map(({ name }) => ({
      name,
      ask: () => askReadyz(`http://127.0.0.1:${portOf(settings, `${name}-admin`)}/readyz`),
    })),
    { name: 'front', ask: () => askFront(frontUrl(settings)) },
  ];
  await Promise.all(questions.map((question) => awaitGreen(settings, question)));
}
