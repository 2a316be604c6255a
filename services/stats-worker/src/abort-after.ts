/**
 * A signal that aborts with another one, or when so much time has passed.
 *
 * Not `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: before Node 24 nothing holds the second one, so that it is collected
 * as garbage, and the time never ends (https://github.com/nodejs/node/pull/57867). Here its timer holds it.
 */
export function abortAfter(timeMs: number, signal: AbortSignal): AbortSignal {
  const timeout = new AbortController();
  const reason = new DOMException(`it takes more than ${timeMs} ms`, 'TimeoutError');
  setTimeout(() => timeout.abort(reason), timeMs).unref();
  return AbortSignal.any([signal, timeout.signal]);
}
