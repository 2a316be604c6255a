import { fleet } from './fleet.ts';
import { postEvents } from './post-events.ts';
import { publishMessages } from './publish-messages.ts';
import { storeObjects } from './store-objects.ts';
import { keepWritingAccessLogs } from './write-access-logs.ts';

/** The demo fleet, as one process: devices that publish, applications that post events and store objects, a load balancer that logs. */
const {
  ODOMETER_URL = '',
  ODOMETER_API_KEY = '',
  MQTT_URL = '',
  AWS_ENDPOINT_URL_S3 = '',
  ACCESS_LOGS = '',
} = process.env;
const REPORT_INTERVAL_MS = 60_000;

const devices = fleet();
const tally = { messages: 0, accepted: 0, later: 0, refused: 0, stored: 0, failed: 0 };
const stopPublishing = publishMessages(MQTT_URL, devices, () => {
  tally.messages++;
});
const stopPosting = postEvents(ODOMETER_URL, ODOMETER_API_KEY, devices, (outcome) => {
  tally[outcome]++;
});

const stopStoring = storeObjects(AWS_ENDPOINT_URL_S3, devices, (outcome) => {
  tally[outcome]++;
});

const stopLogging = keepWritingAccessLogs(ACCESS_LOGS);

function report(event: string): void {
  const time = new Date().toISOString();
  process.stdout.write(`${JSON.stringify({ time, event, devices: devices.length, ...tally })}\n`);
}

report('demo_started');
setInterval(() => report('demo_running'), REPORT_INTERVAL_MS);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stopPosting();
    stopLogging();
    void Promise.allSettled([stopPublishing(), stopStoring()]).then(() => {
      report('demo_stopped');
      process.exit(0);
    });
  });
}
