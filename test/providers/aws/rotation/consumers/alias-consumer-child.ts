import { openAws } from '../../../../../src/providers/aws/clients.ts';
import { consumersOf } from '../../../../../src/providers/aws/rotation/consumers/consumers.ts';
import { consumerWorld, fresh, prepared, secretArn } from './consumer-world.ts';

/* Gives a share of an alias the new login, in a process that may be killed: <listed> <id> <percent>. */

const [listed = '', id = '', percent = ''] = process.argv.slice(2);
const world = consumerWorld(await openAws({}), [JSON.parse(listed)], {});
const consumers = await consumersOf(world, { secretArn });
const consumer = consumers.find((one) => one.id === id);
await consumer?.read(prepared);
await consumer?.shift?.(fresh, Number(percent));
