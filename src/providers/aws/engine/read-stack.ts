import {
  DescribeStacksCommand,
  ListStackResourcesCommand,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import type { Aws } from '../clients.ts';
import { partsOf } from '../judge.ts';

/** A CloudFormation stack as it is. */
export interface Stack {
  /** `UPDATE_COMPLETE` and its like. */
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly StackResource[];
}

export interface StackResource {
  /** Its name in the template. */
  readonly id: string;
  /** `AWS::RDS::DBInstance` */
  readonly type: string;
  /** What AWS calls it; empty while it is being made. */
  readonly name: string;
  readonly status: string;
  readonly why?: string;
}

/** @returns undefined when there is no such stack, or nothing of it but a change set */
export async function readStack(aws: Aws, name: string): Promise<Stack | undefined> {
  const { cloudformation } = aws.read;
  try {
    const { Stacks = [] } = await cloudformation.send(new DescribeStacksCommand({ StackName: name }));
    const stack = Stacks[0];
    const status = stack?.StackStatus ?? 'DELETE_COMPLETE';
    if (status === 'DELETE_COMPLETE' || status === 'REVIEW_IN_PROGRESS') return undefined;
    const outputs = (stack?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [
      OutputKey,
      OutputValue,
    ]);
    return { status, outputs: Object.fromEntries(outputs), resources: await listResources(aws, name) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** CloudFormation has no code of its own for it: "Stack with id my-api-dev does not exist". */
function isMissing(error: unknown): boolean {
  const { name, message } = partsOf(error);
  return name === 'ValidationError' && /does not exist/.test(message);
}

async function listResources(aws: Aws, StackName: string): Promise<StackResource[]> {
  const all: StackResourceSummary[] = [];
  let token: string | undefined;
  do {
    const { StackResourceSummaries = [], NextToken } = await aws.read.cloudformation.send(
      new ListStackResourcesCommand({ StackName, ...(token !== undefined && { NextToken: token }) }),
    );
    all.push(...StackResourceSummaries);
    token = NextToken;
  } while (token !== undefined);
  return all
    .filter(({ ResourceStatus }) => ResourceStatus !== 'DELETE_COMPLETE')
    .map((one) => ({
      id: one.LogicalResourceId ?? '',
      type: one.ResourceType ?? '',
      name: one.PhysicalResourceId ?? '',
      status: one.ResourceStatus ?? '',
      ...(one.ResourceStatusReason !== undefined && { why: one.ResourceStatusReason }),
    }));
}
