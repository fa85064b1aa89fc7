import type { Context } from '../../../../context.ts';
import { UserError } from '../../../../errors.ts';
import type { Look } from '../../look.ts';
import { isOurs, nameOf, type Stage } from '../../stage.ts';
import { secretNameOf } from '../../steps/secrets.ts';
import { rotationFunctionTag, rotationResource } from './rotation-function-settings.ts';

/** A function that a person made to rotate a secret of the stage: by what `--emit-lambda` wrote, or another. */
export interface RotationFunction {
  /** `shop-dev-rotation`, or the ARN of one that may not be looked at. */
  readonly name: string;
  /** That it rotates; absent where its schedule was given up. */
  readonly secret?: string;
  /** It was written by lambdapg, with a role of its name. */
  readonly isOwn: boolean;
  /** It has network interfaces in the stage's network, which cannot go while they are there. */
  readonly isInNetwork: boolean;
}

/** Those that Secrets Manager calls for a secret of the stage, and the stage's own without a schedule. */
export async function findRotationFunctions(stage: Stage, look: Look): Promise<RotationFunction[]> {
  const [secrets, groups, subnets, own] = await Promise.all([
    look.secrets(),
    look.securityGroups(),
    look.subnets(),
    look.lambdaFunction(nameOf(stage, rotationResource)),
  ]);
  const network = new Set([
    ...groups.map(({ GroupId }) => GroupId),
    ...subnets.map(({ SubnetId }) => SubnetId),
  ]);
  const callers = new Map(
    secrets
      .filter(({ Tags }) => isOurs(stage, Tags))
      .flatMap(({ Name = '', RotationLambdaARN: arn = '' }) => (arn === '' ? [] : [[arn, Name] as const])),
  );
  const ownArn = own?.Tags?.[rotationFunctionTag] === undefined ? undefined : own.Configuration?.FunctionArn;
  const arns = new Set([...callers.keys(), ...(ownArn === undefined ? [] : [ownArn])]);
  const found = await Promise.all(
    [...arns].map(async (arn): Promise<RotationFunction | undefined> => {
      const secret = callers.get(arn);
      const rotates = secret !== undefined && { secret };
      // Of another account, or not to be looked at: it is there, as far as is known.
      const seen = await look.lambdaFunction(arn).catch(() => null);
      if (seen === undefined) return undefined;
      if (seen === null) return { name: arn, ...rotates, isOwn: false, isInNetwork: false };
      const { FunctionName: name = arn, VpcConfig: { SecurityGroupIds = [], SubnetIds = [] } = {} } =
        seen.Configuration ?? {};
      return {
        ...{ name, ...rotates, isOwn: seen.Tags?.[rotationFunctionTag] !== undefined },
        isInNetwork: [...SecurityGroupIds, ...SubnetIds].some((id) => network.has(id)),
      };
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** Who rotates what the functions log in with, on the schedule of Secrets Manager; nothing where nobody does. */
export async function findRotationOutput(
  stage: Stage,
  look: Look,
): Promise<{ readonly rotationFunctionArn?: string }> {
  if (stage.cloud.auth !== 'secret') return {};
  const active = (await look.secrets()).find(({ Name }) => Name === secretNameOf(stage, 'active'));
  const { RotationEnabled = false, RotationLambdaARN: arn = '' } = active ?? {};
  return RotationEnabled && arn !== '' ? { rotationFunctionArn: arn } : {};
}

/** How it is taken away, in order. */
export function removalCommands({ name, secret, isOwn }: Omit<RotationFunction, 'isInNetwork'>): string[] {
  return [
    ...(secret === undefined ? [] : [`aws secretsmanager cancel-rotate-secret --secret-id ${secret}`]),
    `aws lambda delete-function --function-name ${name}`,
    ...(isOwn
      ? [
          `aws iam delete-role-policy --role-name ${name} --policy-name lambdapg`,
          `aws iam delete-role --role-name ${name}`,
        ]
      : []),
  ];
}

/**
 * Refuses to take a stage down while such a function holds its network, and names those that stay.
 *
 * @throws UserError ROTATION_FUNCTION_ATTACHED
 */
export async function verifyNoRotationFunction(context: Context, stage: Stage, look: Look): Promise<void> {
  const found = await findRotationFunctions(stage, look);
  const holding = found.filter(({ isInNetwork }) => isInNetwork);
  if (holding.length > 0) {
    throw new UserError(
      'ROTATION_FUNCTION_ATTACHED',
      `the network of ${stage.prefix} cannot go while a rotation function is in it: ${holding.map(({ name }) => name).join(', ')}`,
      { suggestions: holding.flatMap(removalCommands) },
    );
  }
  for (const one of found) {
    const { name, secret } = one;
    const what =
      secret === undefined ? '' : ` has secret ${secret} to rotate, whose schedule ends with it, and`;
    context.report({
      type: 'destroy-warning',
      message: `function ${name}${what} stays: ${removalCommands(one).join('; ')}`,
      function: name,
    });
  }
}
