import { describeTarget, explainPostgresError } from '../database/explain.ts';
import { ensureRoles, type SlotLogins, type SlotName } from '../database/roles.ts';
import type { Job } from '../database/route.ts';
import { withClient } from '../database/with-client.ts';
import type { ProjectNames } from '../project/names.ts';

export interface EnsureRolesInput {
  readonly names: ProjectNames;
  readonly logins: SlotLogins;
  /** Slots that exist and get the password of `logins` anew. */
  readonly renewed: readonly SlotName[];
}

/** Makes what is missing of the project's roles. As `ensureRoles`, safe to repeat. */
export const ensureRolesJob: Job<EnsureRolesInput, { readonly done: true }> = {
  name: 'ensure-roles',
  async work(_context, target, { names, logins, renewed }) {
    try {
      await withClient(target, { applicationName: 'lambdapg roles' }, (client) =>
        ensureRoles(client, names, logins, renewed),
      );
    } catch (error) {
      throw explainPostgresError(error, describeTarget(target)) ?? error;
    }
    return { done: true };
  },
};
