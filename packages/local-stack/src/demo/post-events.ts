import { randomUUID } from 'node:crypto';
import { anyOf, type Device } from './fleet.ts';

/** Four events a second. */
const INTERVAL_MS = 250;
/** A client keeps what was not acknowledged; this one stops making more when it keeps this much. */
const MOST_KEPT = 500;
const RETRY_MS = 1_000;

const TYPES = [
  'api_calls',
  'api_calls',
  'api_calls',
  'api_calls',
  'logs',
  'logs',
  'sessions',
  'logins',
  'deployments',
];

function makeEvent({ organization, project, device }: Device) {
  const type = anyOf(TYPES);
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: `demo/${organization}`,
    type,
    subject:
      type === 'logs' ? `${organization}/${project}/${device}` : `${organization}/${project}`,
    time: new Date().toISOString(),
    // Log lines come in bundles; the others count one each.
    ...(type === 'logs' ? { data: { value: 1 + Math.floor(Math.random() * 20) } } : {}),
  };
}

type Outcome = 'accepted' | 'later' | 'refused';

async function post(url: string, key: string, event: object): Promise<Outcome> {
  try {
    const response = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    if (response.ok) return 'accepted';
    return response.status === 429 || response.status >= 500 ? 'later' : 'refused';
  } catch {
    // Perhaps it was taken and only the answer was lost: the same id again makes that harmless.
    return 'later';
  }
}

/**
 * Posts CloudEvents as the fleet's applications would. What is not acknowledged is sent again with
 * the same id until it is, as every client of Odometer should.
 * @returns a function that stops it.
 */
export function postEvents(
  url: string,
  key: string,
  devices: readonly Device[],
  onOutcome: (outcome: Outcome) => void,
): () => void {
  let stopped = false;
  let kept = 0;
  const deliver = async (event: object) => {
    kept++;
    let outcome: Outcome = 'later';
    while (!stopped && outcome === 'later') {
      outcome = await post(url, key, event);
      onOutcome(outcome);
      if (outcome === 'later') await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    kept--;
  };
  const timer = setInterval(() => {
    if (kept < MOST_KEPT) void deliver(makeEvent(anyOf(devices)));
  }, INTERVAL_MS);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
