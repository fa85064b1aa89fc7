import type { Context } from '../../../context.ts';
import { UserError } from '../../../errors.ts';
import type { Project } from '../../../project/find-project.ts';
import { type AwsChoice, openAws } from '../clients.ts';
import { explainAwsError } from '../explain.ts';
import { type PolicyDocument, policyFor } from '../permissions/policy.ts';
import { parseStage, type Stage } from '../stage.ts';
import type { AttachWorld } from './attach-world.ts';
import { listServers } from './describe-server.ts';
import { listFunctionNames } from './find-functions.ts';

/** An account and region to attach in. @param project whose stage is attached to: it knows its region */
export async function openAttach(
  context: Context,
  { region, profile }: AwsChoice,
  project?: Project,
): Promise<AttachWorld> {
  return { context, aws: await openAws({ region: region ?? project?.config.cloud.region, profile }) };
}

/** The stage that `stage:<name>` names; undefined for any other target. */
export function stageOfTarget(to: string | undefined, project: Project | undefined): Stage | undefined {
  const [, name] = /^stage:(.*)$/.exec(to ?? '') ?? [];
  return name === undefined || project === undefined ? undefined : parseStage(project, name, false);
}

/** The policies that a command of these needs: functions and databases may have any name. */
export async function attachPolicy(
  { aws }: AttachWorld,
  command: 'attach' | 'detach',
): Promise<PolicyDocument[]> {
  const anybody = { account: '*', partition: 'aws' };
  const { account, partition } = await aws.identity().catch(() => anybody);
  return policyFor([command], { project: '*', stage: '*', account, partition, region: aws.region });
}

/** What a person may pick from. @throws UserError NO_FUNCTIONS, NO_DATABASES */
export async function listChoices(
  world: AttachWorld,
  what: 'functions' | 'databases',
): Promise<readonly string[]> {
  const { region } = world.aws;
  try {
    const found =
      what === 'functions'
        ? (await listFunctionNames(world)).filter((name) => !name.startsWith('lambdapg-probe-'))
        : await listServers(world);
    if (found.length > 0) return found;
  } catch (error) {
    throw explainAwsError(error, `listing ${what}`);
  }
  throw new UserError(`NO_${what.toUpperCase()}`, `there are no ${what} in ${region}`, {
    suggestions: ['another --region or --profile'],
  });
}
