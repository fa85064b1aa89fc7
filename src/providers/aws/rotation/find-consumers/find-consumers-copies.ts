import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { DescribeParametersCommand } from '@aws-sdk/client-ssm';
import type { ConsumerWorld } from '../consumers/function-consumer.ts';
import type { ConsumerCandidate, Traces } from './find-consumers-traces.ts';
import { unlessUnseen } from './find-consumers-unseen.ts';

/** Parameters and secrets that are named after the stage. Their values are not read. */
export async function listCopies(
  world: ConsumerWorld,
  traces: Traces,
  listed: ReadonlySet<string>,
  unseen: string[],
): Promise<ConsumerCandidate[]> {
  return [
    ...(await findParameters(world, listed, unseen)),
    ...(await findSecrets(world, traces, listed, unseen)),
  ];
}

const note = 'its value was not read: list it if it holds the login';

async function findParameters(
  { aws, stage }: ConsumerWorld,
  listed: ReadonlySet<string>,
  unseen: string[],
): Promise<ConsumerCandidate[]> {
  const found: ConsumerCandidate[] = [];
  let NextToken: string | undefined;
  const ParameterFilters = [{ Key: 'Name', Option: 'Contains', Values: [stage.project] }];
  do {
    const command = new DescribeParametersCommand({ ParameterFilters, NextToken });
    const page = await unlessUnseen(unseen, 'parameters', () => aws.read.ssm.send(command));
    for (const { Name = '', Type } of page?.Parameters ?? []) {
      // The lock of a run, and what this stage's name has nothing to do with.
      if (Name.startsWith('/lambdapg/') || !isOfStage(Name, stage.project, stage.stage)) continue;
      const isListed = listed.has(Name);
      found.push({
        id: `parameter ${Name}`,
        evidence: [`a ${Type ?? 'parameter'} that is named after the stage`],
        listed: isListed,
        ...(!isListed && { entry: { parameter: Name, form: 'json' as const }, note }),
      });
    }
    NextToken = page?.NextToken === '' ? undefined : page?.NextToken;
  } while (NextToken !== undefined);
  return found;
}

async function findSecrets(
  { aws, stage }: ConsumerWorld,
  { secret }: Traces,
  listed: ReadonlySet<string>,
  unseen: string[],
): Promise<ConsumerCandidate[]> {
  const found: ConsumerCandidate[] = [];
  let NextToken: string | undefined;
  const Filters = [{ Key: 'name' as const, Values: [stage.project] }];
  do {
    const command = new ListSecretsCommand({ Filters, NextToken });
    const page = await unlessUnseen(unseen, 'secrets', () => aws.read.secrets.send(command));
    for (const { Name = '', OwningService } of page?.SecretList ?? []) {
      // The stage's own are rotated, not copies.
      if (Name === secret || Name.startsWith(`${stage.prefix}/`) || OwningService !== undefined) continue;
      if (!isOfStage(Name, stage.project, stage.stage)) continue;
      const isListed = listed.has(Name);
      found.push({
        id: `secret ${Name}`,
        evidence: ['a secret that is named after the stage'],
        listed: isListed,
        ...(!isListed && { entry: { secret: Name, form: 'json' as const }, note }),
      });
    }
    NextToken = page?.NextToken === '' ? undefined : page?.NextToken;
  } while (NextToken !== undefined);
  return found;
}

/** `shop` and `dev` as parts of `/shop/dev/db` or `shop-dev-url`. */
function isOfStage(name: string, project: string, stage: string): boolean {
  const parts = name.split(/[/._-]+/);
  return name.includes(project) && parts.includes(stage);
}
