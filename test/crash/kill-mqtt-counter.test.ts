import { crashTest } from '../harness/crash-test.ts';
import { killMqttCounter } from '../scenarios/kill-mqtt-counter.ts';

crashTest(killMqttCounter);
