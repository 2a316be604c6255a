import { eventually } from '@odometer/testing/eventually';
import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import { readProgress } from '../harness/settle.ts';
import type { System } from '../harness/system.ts';
import { underLoad } from '../harness/under-load.ts';

/**
 * A broker that is killed forgets what it has acknowledged since it last wrote its file, and repeats what it had written:
 * outside the promise. What is promised is that a gap record says so, that events are not touched, that everything
 * counted before stays and everything acknowledged afterwards is counted, and that no more is counted than was published
 * and the gap records own up to.
 */
export const killBroker: Scenario = {
  name: 'a killed Mosquitto leaves a gap record and no wrong claim',
  system: {},
  async run(system, random) {
    const { oracle } = system;
    const gapsBefore = await gaps(system);
    let countedBefore = 0;
    let acknowledgedBack = 0;
    const kill = async () => {
      await system.broker.kill();
      countedBefore = (await readProgress(system)).messages;
      const attempts = await reconnects(system);
      // One for the connection that was lost, one for the broker that was not there.
      await eventually(async () => (await reconnects(system)) >= attempts + 2, {
        deadlineMs: 60_000,
      });
      await system.broker.start();
      await eventually(async () => (await gaps(system)).length > gapsBefore.length, {
        deadlineMs: 60_000,
      });
      await eventually(() => system.counter?.process.isReady() ?? true, { deadlineMs: 60_000 });
      acknowledgedBack = oracle.acknowledgedMessages;
    };
    const { counted, attempted } = await start(system);
    const violations = await underLoad(system, random, [kill], { brokerRepeats: true });
    const repeated = (await gaps(system))
      .slice(gapsBefore.length)
      .reduce((sum, messages) => sum + messages, 0);
    const messages = {
      atLeast: countedBefore + oracle.acknowledgedMessages - acknowledgedBack,
      atMost: counted + oracle.attemptedMessages - attempted + repeated,
    };
    const reasons = ['broker_restarted', 'session_lost', 'mark_missing'] as const;
    return [...violations, ...(await compare(system, { messages, gaps: reasons }))];
  },
};

/** Rounds follow each other on one system; each is judged by what it added. */
async function start(system: System) {
  const { messages } = await readProgress(system);
  return { counted: messages, attempted: system.oracle.attemptedMessages };
}

/** How often the counter was refused since it was started: a broker that is back before it looks was never away. */
async function reconnects({ counter }: System): Promise<number> {
  return (await counter?.process.metric('odometer_mqtt_reconnects_total')) ?? 0;
}

/** Of each gap, the oldest first, how many messages it says may have been counted twice. */
async function gaps(system: System): Promise<readonly number[]> {
  const { rows } = await system.db.query<{ messages: string | null }>(
    `select detail ->> 'messages' as messages from gaps order by id`,
  );
  return rows.map(({ messages }) => Number(messages ?? 0));
}
