import type { Job } from '../database/route.ts';
import { adoptRoleJob } from './adopt-role-job.ts';
import { ensureRolesJob } from './ensure-roles-job.ts';
import { functionProbeJob } from './function-probe-job.ts';
import { migrateJob } from './migrate-job.ts';
import { probeJob } from './probe-job.ts';
import { queryJob } from './query-job.ts';
import { roleGraphJob } from './role-graph-job.ts';
import { rotationLeaseJob } from './rotation-lease-job.ts';
import { rotationLoginJob } from './rotation-login-job.ts';
import { rotationRoleJob } from './rotation-role-job.ts';
import { rotationRightsJob, rotationRoomJob } from './rotation-room-job.ts';
import { rotationSessionsJob } from './rotation-sessions-job.ts';
import { seedJob } from './seed-job.ts';

/** What the runner can do. Adding one needs no change of the runner, but a new upload of it. */
const jobs = [
  adoptRoleJob,
  ensureRolesJob,
  functionProbeJob,
  migrateJob,
  probeJob,
  queryJob,
  roleGraphJob,
  rotationLeaseJob,
  rotationLoginJob,
  rotationRightsJob,
  rotationRoleJob,
  rotationRoomJob,
  rotationSessionsJob,
  seedJob,
] as const;

/** A job of another version of lambdapg may not be there. */
export function findJob(name: string): Job<unknown, unknown> | undefined {
  // The input was made by the same job on the other side; its type cannot be seen through JSON.
  return jobs.find((job) => job.name === name) as Job<unknown, unknown> | undefined;
}
