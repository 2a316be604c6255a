import { redactText } from './redaction.ts';

/** Throws (or rejects) when what it looks at is not all right; the message is shown to the operator. */
export type Check = () => Promise<void> | void;

export type CheckResult =
  | { readonly state: 'ok' }
  | { readonly state: 'failed'; readonly message: string };

export interface ProbeReport {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/**
 * Long enough for a database that is busy, short enough that a probe answers before the next one comes. The kubelet's
 * own timeout defaults to the same 1 s: a chart must set `timeoutSeconds` above it, or the answer comes too late to be read.
 */
const CHECK_TIMEOUT_MS = 1_000;

/** The named checks behind one of the health endpoints, asked in parallel. */
export class Probes {
  readonly #checks = new Map<string, Check>();
  /** Checks still unanswered from an earlier probe: asking again would pile up queries on a database that hangs. */
  readonly #pending = new Map<string, Promise<CheckResult>>();

  add(name: string, check: Check): void {
    this.#checks.set(name, check);
  }

  async run(): Promise<ProbeReport> {
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]) => [name, await this.#ask(name, check)] as const),
    );
    return {
      ok: results.every(([, { state }]) => state === 'ok'),
      checks: Object.fromEntries(results),
    };
  }

  async #ask(name: string, check: Check): Promise<CheckResult> {
    let answer = this.#pending.get(name);
    if (answer === undefined) {
      answer = settle(check).finally(() => this.#pending.delete(name));
      this.#pending.set(name, answer);
    }
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<CheckResult>((resolve) => {
      timer = setTimeout(
        () => resolve({ state: 'failed', message: `no answer within ${CHECK_TIMEOUT_MS} ms` }),
        CHECK_TIMEOUT_MS,
      );
    });
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function settle(check: Check): Promise<CheckResult> {
  try {
    await check();
    return { state: 'ok' };
  } catch (error) {
    return {
      state: 'failed',
      message: redactText(error instanceof Error ? error.message : String(error)),
    };
  }
}
