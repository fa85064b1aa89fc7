import { describeTarget, explainPostgresError } from '../database/explain.ts';
import { type RoleGraph, readRoleGraph } from '../database/role-graph.ts';
import type { Job } from '../database/route.ts';
import { withClient } from '../database/with-client.ts';

export interface RoleGraphInput {
  /** Roles whose objects come first where there are very many. */
  readonly focus: readonly string[];
}

/** Reads who may what in the database. Changes nothing. */
export const roleGraphJob: Job<RoleGraphInput, RoleGraph> = {
  name: 'role-graph',
  async work(_context, target, { focus }) {
    try {
      return await withClient(target, { applicationName: 'lambdapg roles' }, (client) =>
        readRoleGraph(client, focus),
      );
    } catch (error) {
      throw explainPostgresError(error, describeTarget(target)) ?? error;
    }
  },
};
