/**
 * A signal that aborts with another one, or when so much time has passed.
 *
 * Not by `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: in Node 20 nothing holds the second one, so that it is collected as
 * garbage, and the time never ends (https://github.com/nodejs/node/pull/57867). Newer versions lose the abort itself when a source
 * is collected after it (https://github.com/nodejs/node/issues/65995). Here a timer and a listener hold a controller of its own.
 */
export function abortAfter(timeMs: number, signal: AbortSignal): AbortSignal {
  const either = new AbortController();
  if (signal.aborted) either.abort(signal.reason);
  const reason = new DOMException(`it takes more than ${timeMs} ms`, 'TimeoutError');
  setTimeout(() => either.abort(reason), timeMs).unref();
  const once = { once: true, signal: either.signal };
  signal.addEventListener('abort', () => either.abort(signal.reason), once);
  return either.signal;
}
