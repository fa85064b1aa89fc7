import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { tagValue } from '../stage.ts';
import { absent } from '../steps/tagged.ts';
import { attachFunctionTag, ownGroupName } from './attach-names.ts';
import type { AttachLook, AttachStep, AttachWorld } from './attach-world.ts';

export interface OwnGroupHave {
  readonly groupId: string;
}

/** The security group of one function. @param vpcId where it is to be; absent while it is taken away */
export function ownGroupStep(
  { aws }: AttachWorld,
  functionName: string,
  needs: readonly AttachStep<unknown>[],
  vpcId?: string,
): AttachStep<OwnGroupHave> {
  const name = ownGroupName(functionName);
  return {
    id: `group:${functionName}`,
    title: `security group ${name}`,
    needs,
    async find(look) {
      const group = await findOwnGroup(look, functionName, vpcId);
      if (group?.GroupId !== undefined) return { state: 'ready', have: { groupId: group.GroupId } };
      const taken = (await look.groups()).some(
        ({ GroupName, VpcId }) => GroupName === name && vpcId !== undefined && VpcId === vpcId,
      );
      return taken ? { state: 'foreign', why: `${name} exists and was not made by lambdapg` } : absent;
    },
    async create() {
      await aws.write.ec2.send(
        new CreateSecurityGroupCommand({
          GroupName: name,
          Description: `lambdapg: attaches ${functionName}`,
          VpcId: vpcId,
          TagSpecifications: [
            {
              ResourceType: 'security-group',
              Tags: [
                { Key: 'Name', Value: name },
                { Key: attachFunctionTag, Value: functionName },
              ],
            },
          ],
        }),
      );
    },
    async remove({ groupId }) {
      await aws.write.ec2.send(new DeleteSecurityGroupCommand({ GroupId: groupId }));
    },
    // Lambda gives its network interfaces back 20 to 60 minutes after a function has left a subnet.
    patienceMs: 75 * 60_000,
  };
}

export async function findOwnGroup(
  look: AttachLook,
  functionName: string,
  vpcId?: string,
): Promise<SecurityGroup | undefined> {
  return (await look.groups()).find(
    ({ GroupName, Tags, VpcId }) =>
      GroupName === ownGroupName(functionName) &&
      tagValue(Tags, attachFunctionTag) === functionName &&
      (vpcId === undefined || VpcId === vpcId),
  );
}
