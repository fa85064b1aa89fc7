import { DescribeSecurityGroupsCommand, type SecurityGroup } from '@aws-sdk/client-ec2';
import { GetFunctionCommand, type GetFunctionResponse } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, type DescribeSecretCommandOutput } from '@aws-sdk/client-secrets-manager';
import type { Context } from '../../../context.ts';
import type { Engine } from '../../../provision/settle.ts';
import type { Step } from '../../../provision/step.ts';
import type { Aws } from '../clients.ts';
import { explainAwsError } from '../explain.ts';
import { judgeAwsError, unlessGone } from '../judge.ts';

/** What the steps of `attach` work with. No stage: functions and databases may be anybody's. */
export interface AttachWorld {
  readonly context: Context;
  readonly aws: Aws;
}

/** One view of the world that all finds of one survey share. */
export interface AttachLook {
  getFunction(name: string): Promise<GetFunctionResponse | undefined>;
  /** All of the region. */
  groups(): Promise<readonly SecurityGroup[]>;
  /** By name or ARN; one that is to be deleted is still shown, with its date. */
  secret(id: string): Promise<DescribeSecretCommandOutput | undefined>;
}

export type AttachStep<Have> = Step<AttachLook, Have>;

export function takeAttachLook({ read }: Aws): AttachLook {
  const functions = new Map<string, Promise<GetFunctionResponse | undefined>>();
  const secrets = new Map<string, Promise<DescribeSecretCommandOutput | undefined>>();
  let groups: Promise<SecurityGroup[]> | undefined;
  return {
    getFunction: (name) =>
      remembered(functions, name, () =>
        unlessGone(read.lambda.send(new GetFunctionCommand({ FunctionName: name }))),
      ),
    groups: () => {
      groups ??= listGroups(read.ec2);
      return groups;
    },
    secret: (id) =>
      remembered(secrets, id, () =>
        unlessGone(read.secrets.send(new DescribeSecretCommand({ SecretId: id }))),
      ),
  };
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const answer = known.get(key) ?? ask();
  known.set(key, answer);
  return answer;
}

async function listGroups(ec2: Aws['read']['ec2']): Promise<SecurityGroup[]> {
  const all: SecurityGroup[] = [];
  let token: string | undefined;
  do {
    const page = token === undefined ? {} : { NextToken: token };
    const { SecurityGroups = [], NextToken } = await ec2.send(new DescribeSecurityGroupsCommand(page));
    all.push(...SecurityGroups);
    token = NextToken === '' ? undefined : NextToken;
  } while (token !== undefined);
  return all;
}

export const attachEngine = ({ aws }: AttachWorld): Engine<AttachLook> => ({
  look: () => takeAttachLook(aws),
  judge: judgeAwsError,
  explain: explainAwsError,
});
