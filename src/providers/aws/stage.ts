import { exitCodes, UserError } from '../../errors.ts';
import type { CloudConfig, ProjectConfig } from '../../project/config-schema.ts';
import type { Project } from '../../project/find-project.ts';

/** One deployment of a project: its answers and the deterministic names of all that belongs to it. */
export interface Stage {
  readonly project: string;
  readonly stage: string;
  /** `<project>-<stage>`: the beginning of every name. */
  readonly prefix: string;
  readonly cloud: CloudConfig;
  readonly config: ProjectConfig;
  readonly projectDir: string;
  /** PostgreSQL's name of the project, the beginning of every role: `my_api`. */
  readonly snake: string;
  /** A runner in the VPC is wanted because nothing here reaches the database. */
  readonly runner: boolean;
}

/** AWS allows 64 characters to a function or role. */
const longestAwsName = 64;

/** @throws UserError BAD_STAGE, NAME_TOO_LONG (exit 2) */
export function parseStage(project: Project, stage: string, runner: boolean): Stage {
  if (!/^[a-z][a-z0-9]{0,11}$/.test(stage)) {
    throw new UserError(
      'BAD_STAGE',
      `"${stage}" cannot name a stage: a letter, then letters or digits, 12 at the most`,
      {
        exit: exitCodes.usage,
        suggestions: ['--stage dev'],
      },
    );
  }
  const { config, dir, names } = project;
  const prefix = `${names.kebab}-${stage}`;
  for (const name of Object.keys(config.functions)) {
    const whole = `${prefix}-${name}`;
    if (whole.length <= longestAwsName) continue;
    throw new UserError(
      'NAME_TOO_LONG',
      `function "${whole}" has ${whole.length} characters, Lambda allows 64`,
      {
        exit: exitCodes.usage,
        suggestions: ['a shorter function name in lambdapg.json'],
      },
    );
  }
  const { kebab, snake } = names;
  return { project: kebab, stage, prefix, cloud: config.cloud, config, projectDir: dir, snake, runner };
}

export const nameOf = (stage: Stage, resource: string): string => `${stage.prefix}-${resource}`;

export const functionNameOf = (stage: Stage, name: string): string => `${stage.prefix}-${name}`;

/** The tags by which what is ours is found again. `resource`: the last part of its name. */
export function tagsOf(stage: Stage, resource: string): { Key: string; Value: string }[] {
  return [
    { Key: 'Name', Value: nameOf(stage, resource) },
    { Key: 'lambdapg:project', Value: stage.project },
    { Key: 'lambdapg:stage', Value: stage.stage },
    { Key: 'lambdapg:resource', Value: resource },
  ];
}

/** Tags in the form of Lambda, API Gateway and CloudWatch Logs. */
export const tagMapOf = (stage: Stage, resource: string): Record<string, string> =>
  Object.fromEntries(tagsOf(stage, resource).map(({ Key, Value }) => [Key, Value]));

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export const tagValue = (tags: readonly Tag[] | undefined, key: string): string | undefined =>
  tags?.find((tag) => tag.Key === key)?.Value;

/** Whether tags, in either form, say that a resource belongs to this stage. */
export function isOurs(
  stage: Stage,
  tags: readonly Tag[] | Readonly<Record<string, string>> | undefined,
): boolean {
  const value = (key: string): string | undefined =>
    Array.isArray(tags) ? tagValue(tags, key) : (tags as Record<string, string> | undefined)?.[key];
  return value('lambdapg:project') === stage.project && value('lambdapg:stage') === stage.stage;
}

/** Why a resource of our name is not ours. */
export const notOurs = (name: string): string => `${name} exists and does not carry this project's tags`;
