import { plantBug } from '../harness/planted-bug.ts';
import { plantedTest } from '../harness/planted-test.ts';
import { killMqttCounter } from '../scenarios/kill-mqtt-counter.ts';

const bug = plantBug(
  'the mark is stored as null',
  ['stats-worker'],
  [
    {
      file: 'services/stats-worker/dist/count-applier.js',
      find: 'await storeMarks(transaction, highestPerEpoch(ours));',
      replace:
        'await storeMarks(transaction, highestPerEpoch(ours).map((batch) => ({ ...batch, mark: null })));',
    },
  ],
);

plantedTest(bug, killMqttCounter, /^usage_hourly .* mqtt_/);
