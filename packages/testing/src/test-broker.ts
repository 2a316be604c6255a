import { type MosquittoServer, startMosquitto } from '@odometer/local-stack/mosquitto';
import { TestServer } from './test-server.ts';

export interface TestBrokerOptions {
  readonly upgradeOutgoingQos?: boolean;
  /** Further lines of mosquitto.conf. */
  readonly configuration?: readonly string[];
}

/** A Mosquitto of this test file's own, with persistent sessions. Call `stop()` in `afterAll`. */
export function startTestBroker(
  options: TestBrokerOptions = {},
): Promise<TestServer<MosquittoServer>> {
  return TestServer.launch('mosquitto', (place) => startMosquitto({ ...place, ...options }));
}
