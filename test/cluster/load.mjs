// Sends events until its time is over, and prints how many were acknowledged. What was not acknowledged is sent again, the
// same under the same ids, until it is: so every event ends up acknowledged, and should be counted once.
const { LOAD_URL, LOAD_KEY, LOAD_SUBJECT, LOAD_SECONDS } = process.env;
const SENDERS = 4;
const EVENTS_PER_REQUEST = 25;
const PAUSE_MS = 50;

const run = `load-${Date.now()}`;
const endMs = Date.now() + Number(LOAD_SECONDS) * 1_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let requests = 0;
let acknowledged = 0;
let repeated = 0;

async function send() {
  while (Date.now() < endMs) {
    const request = requests++;
    const events = Array.from({ length: EVENTS_PER_REQUEST }, (_, index) => ({
      specversion: '1.0',
      id: `${run}-${request}-${index}`,
      source: 'load',
      type: 'api_calls',
      subject: LOAD_SUBJECT,
      time: new Date().toISOString(),
    }));
    await untilAcknowledged(JSON.stringify(events));
    acknowledged += events.length;
    await pause(PAUSE_MS);
  }
}

async function untilAcknowledged(body) {
  for (;;) {
    const status = await post(body);
    if (status >= 200 && status < 300) return;
    // Refused for good: nothing that could come from a rollout.
    if (status >= 400 && status < 500 && status !== 429) throw new Error(`answered with ${status}`);
    repeated++;
    await pause(200);
  }
}

/** 0 when there was no answer. */
async function post(body) {
  try {
    const answer = await fetch(`${LOAD_URL}/api/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${LOAD_KEY}`,
        'content-type': 'application/cloudevents-batch+json',
      },
      body,
      signal: AbortSignal.timeout(10_000),
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

await Promise.all(Array.from({ length: SENDERS }, send));
console.log(JSON.stringify({ acknowledged, repeated }));
