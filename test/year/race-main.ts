/** The race with a close as a process of its own, in which a bug may be planted. Prints the violations as JSON. */
import { seededRandom } from '@odometer/testing/seeded-random';
import { raceWithClose } from './race-with-close.ts';

const [url = '', seed = '0', refreshing = ''] = process.argv.slice(2);
const violations = await raceWithClose({
  url,
  random: seededRandom(Number(seed)),
  refreshing: refreshing === 'refreshing',
}).catch((error: unknown) => [String(error)]);
process.stdout.write(`${JSON.stringify(violations)}\n`);
