import type { Context } from '../../../context.ts';
import { exitCodes, UserError } from '../../../errors.ts';
import { cacheDir } from '../../../project/cache-dir.ts';
import { isManaged } from '../../../project/choices.ts';
import type { Project } from '../../../project/find-project.ts';
import {
  type ProjectPackage,
  packageDirOf,
  packageProject,
} from '../../../project/package/package-project.ts';
import type { PackageFiles } from '../../../project/package/zip-files.ts';
import { certificatesFile, getRdsCertificates } from '../rds-certificates.ts';
import { runnerCodeDir, schemaCodeDir } from '../routes/runner-function.ts';

export interface PackageChoice {
  readonly only?: readonly string[] | undefined;
  /** Absolute; default: where the engines look. */
  readonly out?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

/**
 * Builds what the project's engine uploads.
 *
 * @throws UserError NO_REGION (exit 2), RDS_CA_UNREACHABLE; those of `packageProject`
 */
export async function packageStage(
  context: Context,
  project: Project,
  choice: PackageChoice,
): Promise<ProjectPackage> {
  return packageProject(context, project, {
    only: choice.only,
    out: choice.out ?? packageDirOf(project),
    cacheDir: cacheDir(context.env),
    certificates: await certificatesOf(context, project, choice),
    runnerDir: runnerCodeDir(context),
    schemaDir: schemaCodeDir(context),
  });
}

/** Of a database that its functions, or CDK's custom resource, reach without a proxy. */
async function certificatesOf(
  context: Context,
  { config }: Project,
  choice: PackageChoice,
): Promise<PackageFiles> {
  const { cloud, engine } = config;
  const isReached = cloud.proxy === false || (engine === 'cdk' && choice.only === undefined);
  if (!isManaged({ database: cloud.database.kind }) || !isReached) return new Map();
  const pem = await getRdsCertificates(context, await regionOf(context, config.cloud.region, choice));
  return new Map([[certificatesFile, Buffer.from(pem)]]);
}

async function regionOf(
  { env }: Context,
  configured: string | undefined,
  { region, profile }: PackageChoice,
): Promise<string> {
  const told = region ?? configured ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (told) return told;
  // The profile's; the SDK is loaded for it alone.
  const { findRegion } = await import('../clients.ts');
  const found = await findRegion(profile);
  if (found) return found;
  // A file that somebody names is good for any.
  if (env.LAMBDAPG_RDS_CA) return '';
  throw new UserError(
    'NO_REGION',
    "no AWS region is set, and RDS's certificate authorities are one region's",
    {
      exit: exitCodes.usage,
      suggestions: ['--region eu-central-1', 'or AWS_REGION, or "cloud": {"region": …} in lambdapg.json'],
    },
  );
}
