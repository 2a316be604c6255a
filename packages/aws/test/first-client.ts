/** Makes a client and prints what node warns of meanwhile; run with spawnTypescript. */
import { AwsClients } from '../src/aws-clients.ts';

process.on('warning', (warning) => console.log(warning.message));
const clients = new AwsClients();
clients.s3({ region: 'eu-central-1' });
await clients.stop();
setImmediate(() => console.log('made'));
