import { DeleteRolePolicyCommand, GetRolePolicyCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { unlessGone } from '../judge.ts';
import type { Statement } from '../steps/iam-role.ts';
import { absent, difference } from '../steps/tagged.ts';
import { ownPolicyName } from './attach-names.ts';
import { type AttachLook, type AttachStep, type AttachWorld, takeAttachLook } from './attach-world.ts';

/** An inline policy of attach's own in somebody else's role, found by its name. */
export function rolePolicyStep(
  { aws }: AttachWorld,
  {
    id,
    functionName,
    roleName,
    needs,
  }: {
    readonly id: string;
    readonly functionName: string;
    readonly roleName: string;
    readonly needs: readonly AttachStep<unknown>[];
  },
  /** Undefined while a resource that they name is not there yet. */
  findStatements?: (look: AttachLook) => Promise<readonly Statement[] | undefined>,
): AttachStep<null> {
  const named = { RoleName: roleName, PolicyName: ownPolicyName(functionName) };
  const findDocument = async (look: AttachLook): Promise<string | undefined> => {
    const statements = await findStatements?.(look);
    if (statements === undefined) return undefined;
    return JSON.stringify({ Version: '2012-10-17', Statement: statements });
  };
  const put = async (): Promise<void> => {
    const PolicyDocument = await findDocument(takeAttachLook(aws));
    if (PolicyDocument === undefined) throw new Error(`${id}: what the policy names is not there yet`);
    await aws.write.iam.send(new PutRolePolicyCommand({ ...named, PolicyDocument }));
  };
  return {
    id: `${id}:${functionName}`,
    title: `policy ${named.PolicyName} of role ${roleName}`,
    needs,
    async find(look) {
      const [found, wanted] = await Promise.all([
        unlessGone(aws.read.iam.send(new GetRolePolicyCommand(named))),
        findDocument(look),
      ]);
      if (found === undefined) return absent;
      const have = decodeURIComponent(found.PolicyDocument ?? '');
      if (findStatements === undefined || (wanted !== undefined && isSameJson(have, wanted)))
        return { state: 'ready', have: null };
      const differences = [difference('PolicyDocument', 'another', 'what this attachment needs', true)];
      return { state: 'drifted', have: null, differences };
    },
    create: put,
    update: put,
    async remove() {
      await unlessGone(aws.write.iam.send(new DeleteRolePolicyCommand(named)));
    },
  };
}

function isSameJson(one: string, other: string): boolean {
  try {
    return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
  } catch {
    return false;
  }
}
