import { changePassword, type PasswordChange } from '../database/change-password.ts';
import type { Lease } from '../database/rotation-lease.ts';
import type { Job } from '../database/route.ts';
import { withRotationClient } from './rotation-connection.ts';

export interface RotationRoleInput {
  readonly user: string;
  readonly change: PasswordChange;
  readonly lease: Lease;
  readonly leaseMs: number;
}

/** Changes how a role logs in, under the lease. */
export const rotationRoleJob: Job<RotationRoleInput, { readonly done: true }> = {
  name: 'rotation-role',
  async work(_context, target, { user, change, lease, leaseMs }) {
    await withRotationClient(target, (client) => changePassword(client, user, change, lease, leaseMs));
    return { done: true };
  },
};
