import { describeTarget, explainPostgresError } from '../database/explain.ts';
import { ensureRoles, type SlotLogins } from '../database/roles.ts';
import type { Job } from '../database/route.ts';
import { withClient } from '../database/with-client.ts';
import type { ProjectNames } from '../project/names.ts';

export interface EnsureRolesInput {
  readonly names: ProjectNames;
  readonly logins: SlotLogins;
}

/** Makes what is missing of the project's roles. As `ensureRoles`, safe to repeat. */
export const ensureRolesJob: Job<EnsureRolesInput, { readonly done: true }> = {
  name: 'ensure-roles',
  async work(_context, target, { names, logins }) {
    try {
      await withClient(target, { applicationName: 'lambdapg roles' }, (client) =>
        ensureRoles(client, names, logins),
      );
    } catch (error) {
      throw explainPostgresError(error, describeTarget(target)) ?? error;
    }
    return { done: true };
  },
};
