import { plantBug } from '../harness/planted-bug.ts';
import { plantedTest } from '../harness/planted-test.ts';
import { killMqttCounter } from '../scenarios/kill-mqtt-counter.ts';

const bug = plantBug(
  'PUBACKs are sent before the flush is durable',
  ['mqtt-counter'],
  [
    {
      file: 'services/mqtt-counter/dist/flush-loop.js',
      find: 'await enqueue(batch, this.#abort.signal);',
      replace: 'acknowledge(counter.release()); await enqueue(batch, this.#abort.signal);',
    },
  ],
);

plantedTest(bug, killMqttCounter, /^usage_hourly .* mqtt_/);
