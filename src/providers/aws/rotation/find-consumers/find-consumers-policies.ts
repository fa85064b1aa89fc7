import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { ConsumerWorld } from '../consumers/function-consumer.ts';
import type { Traces } from './find-consumers-traces.ts';
import { unlessUnseen } from './find-consumers-unseen.ts';

/** How many roles are asked for at once: IAM allows few calls. */
const atOnce = 4;

/** Functions whose role has a policy that names the secret. AWS's own policies name none. */
export async function readersByPolicy(
  world: ConsumerWorld,
  functions: readonly FunctionConfiguration[],
  { secretArn, secret }: Traces,
  unseen: string[],
): Promise<Map<string, string>> {
  const byRole = new Map<string, string[]>();
  for (const { Role = '', FunctionName = '' } of functions) {
    const role = Role.split('/').at(-1) ?? '';
    byRole.set(role, [...(byRole.get(role) ?? []), FunctionName]);
  }
  const namesIt = (document: string): boolean =>
    document.includes(secretArn) || document.includes(`:secret:${secret}`);
  const found = new Map<string, string>();
  const roles = [...byRole];
  for (let from = 0; from < roles.length; from += atOnce) {
    const some = roles.slice(from, from + atOnce);
    await Promise.all(
      some.map(async ([role, names]) => {
        const policy = await findPolicy(world, role, namesIt, unseen);
        if (policy === undefined) return;
        for (const name of names) found.set(name, `policy ${policy} of its role names the secret`);
      }),
    );
  }
  return found;
}

/** Name of the first policy of a role that fits. */
async function findPolicy(
  { aws }: ConsumerWorld,
  RoleName: string,
  fits: (document: string) => boolean,
  unseen: string[],
): Promise<string | undefined> {
  const { iam } = aws.read;
  const what = `policies of role ${RoleName}`;
  const inline = await unlessUnseen(unseen, what, () => iam.send(new ListRolePoliciesCommand({ RoleName })));
  for (const PolicyName of inline?.PolicyNames ?? []) {
    const command = new GetRolePolicyCommand({ RoleName, PolicyName });
    const policy = await unlessUnseen(unseen, what, () => iam.send(command));
    if (fits(decoded(policy?.PolicyDocument))) return PolicyName;
  }
  const attached = await unlessUnseen(unseen, what, () =>
    iam.send(new ListAttachedRolePoliciesCommand({ RoleName })),
  );
  for (const { PolicyArn = '', PolicyName } of attached?.AttachedPolicies ?? []) {
    if (PolicyArn.includes(':iam::aws:')) continue;
    const document = await unlessUnseen(unseen, what, async () => {
      const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
      const VersionId = Policy?.DefaultVersionId;
      return (await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }))).PolicyVersion?.Document;
    });
    if (fits(decoded(document))) return PolicyName;
  }
  return undefined;
}

/** IAM gives documents URL-encoded. */
function decoded(document = ''): string {
  try {
    return decodeURIComponent(document);
  } catch {
    return document;
  }
}
