import {
  type HeldLease,
  type Lease,
  type LeaseWish,
  releaseLease,
  takeLease,
  verifyLease,
} from '../database/rotation-lease.ts';
import type { Job } from '../database/route.ts';
import { withRotationClient } from './rotation-connection.ts';

export type RotationLeaseInput =
  | { readonly do: 'take'; readonly wish: LeaseWish; readonly ownerRole?: string }
  | { readonly do: 'renew'; readonly lease: Lease; readonly leaseMs: number }
  | { readonly do: 'release'; readonly lease: Lease };

export interface RotationLeaseOutput {
  readonly lease?: Lease;
  readonly held?: HeldLease;
}

/** Takes, renews and gives back the right to rotate, which is a row in the database itself. */
export const rotationLeaseJob: Job<RotationLeaseInput, RotationLeaseOutput> = {
  name: 'rotation-lease',
  work: (_context, target, input) =>
    withRotationClient(target, async (client) => {
      if (input.do === 'take') {
        const taken = await takeLease(client, input.wish, input.ownerRole);
        return 'holder' in taken ? { held: taken } : { lease: taken };
      }
      if (input.do === 'renew') await verifyLease(client, input.lease, input.leaseMs);
      else await releaseLease(client, input.lease);
      return {};
    }),
};
