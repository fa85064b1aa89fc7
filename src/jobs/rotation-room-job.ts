import { type MissingRight, verifyMayAlter } from '../database/change-password-rights.ts';
import { type ConnectionRoom, readRoom } from '../database/login-sessions.ts';
import type { Job } from '../database/route.ts';
import { withRotationClient } from './rotation-connection.ts';

export interface RotationUsers {
  readonly users: readonly string[];
}

/** How many connections there are room for: in all, in the database, and for each user with a limit. */
export const rotationRoomJob: Job<RotationUsers, ConnectionRoom> = {
  name: 'rotation-room',
  work: (_context, target, { users }) => withRotationClient(target, (client) => readRoom(client, users)),
};

/** Whether the admin may change these passwords. @throws UserError ROLE_FORBIDDEN, ROLE_MISSING */
export const rotationRightsJob: Job<RotationUsers, { readonly missing: readonly MissingRight[] }> = {
  name: 'rotation-rights',
  work: (_context, target, { users }) =>
    withRotationClient(target, async (client) => ({ missing: await verifyMayAlter(client, users) })),
};
