import { randomUUID } from 'node:crypto';
import { localAccount, localRegion } from './local-function.ts';

/** What EventBridge sends to a function on its schedule. */
export function scheduledEvent(functionName: string, now: Date = new Date()): object {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: localAccount,
    time: `${now.toISOString().slice(0, 19)}Z`,
    region: localRegion,
    resources: [`arn:aws:events:${localRegion}:${localAccount}:rule/${functionName}`],
    detail: {},
  };
}
