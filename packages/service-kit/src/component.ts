/**
 * Anything long-lived: a server, a worker, a pool. Both functions are idempotent and may be called at any time, also
 * concurrently. `stop` is safe before `start`, awaits work in flight, and is final: a later `start` does nothing.
 * `start` rejects only when starting failed, not when a stop overtook it.
 */
export interface Component {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Makes a Component of two functions, which are then each called at most once and never at the same time.
 *
 *   idle ──start──▶ starting ──▶ started
 *    └──stop──▶ stopped ◀── stopping ◀──stop──┘ (from starting too, as soon as that settles)
 *
 * @param parts.start opens the resource. When it throws it must leave nothing open, `stop` is not called then. The signal
 *   is aborted when a stop comes first: whatever waits for long (a connection) must listen to it, or the stop waits too.
 * @param parts.stop closes what `start` returned.
 */
export function component<Resource>(parts: {
  readonly name: string;
  readonly start: (signal: AbortSignal) => Promise<Resource> | Resource;
  readonly stop: (resource: Resource) => Promise<void> | void;
}): Component {
  const abort = new AbortController();
  let opened: Promise<Resource> | undefined;
  let stopped: Promise<void> | undefined;

  async function close(opening: Promise<Resource> | undefined): Promise<void> {
    if (opening === undefined) return;
    let resource: Resource;
    try {
      resource = await opening;
    } catch {
      return; // Whoever called start has been told.
    }
    await parts.stop(resource);
  }

  return {
    name: parts.name,
    async start() {
      if (stopped !== undefined) return;
      opened ??= (async () => parts.start(abort.signal))();
      try {
        await opened;
      } catch (error) {
        if (stopped === undefined) throw error;
      }
    },
    async stop() {
      abort.abort();
      stopped ??= close(opened);
      await stopped;
    },
  };
}
