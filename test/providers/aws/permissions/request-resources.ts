import type { PolicyTarget } from '../../../../src/providers/aws/permissions/scopes.ts';

/** A call as the test bed's gate logs it. */
export interface SeenRequest {
  readonly service: string;
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** One thing that IAM would decide about. */
export interface Decision {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

type Where = Pick<PolicyTarget, 'account' | 'region' | 'partition'>;

/** Request fields that name a resource: its service and what stands before the name in its ARN. */
const namedFields: Readonly<Record<string, readonly (readonly [field: string, prefix: string])[]>> = {
  rds: [
    ['DBInstanceIdentifier', 'db:'],
    ['SourceDBInstanceIdentifier', 'db:'],
    ['DBClusterIdentifier', 'cluster:'],
    ['DBSubnetGroupName', 'subgrp:'],
    ['DBParameterGroupName', 'pg:'],
    ['DBClusterParameterGroupName', 'cluster-pg:'],
  ],
  lambda: [['FunctionName', 'function:']],
  secretsmanager: [
    ['SecretId', 'secret:'],
    ['Name', 'secret:'],
  ],
  iam: [['RoleName', 'role/']],
  logs: [['logGroupName', 'log-group:']],
  events: [
    ['Rule', 'rule/'],
    ['Name', 'rule/'],
  ],
  ssm: [
    ['Name', 'parameter'],
    ['Path', 'parameter'],
  ],
};

/** The ARNs that a request's own fields name. Ids and list calls give none. */
export function namedResources(request: SeenRequest, where: Where): string[] {
  const region = request.service === 'iam' ? '' : where.region;
  return (namedFields[request.service] ?? []).flatMap(([field, prefix]) => {
    const value = request.input[field];
    if (typeof value !== 'string' || value.startsWith('default')) return [];
    if (value.startsWith('arn:')) return [value];
    const suffix = prefix === 'secret:' ? '-AbCdEf' : '';
    return [
      `arn:${where.partition}:${request.service}:${region}:${where.account}:${prefix}${value}${suffix}`,
    ];
  });
}

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** Types of EC2 resources that a request creates, and the tags that it gives them. */
export function createdInNetwork(request: SeenRequest, where: Where): Decision[] {
  const specs = (request.input.TagSpecifications ?? request.input.TagSpecification ?? []) as readonly {
    ResourceType: string;
    Tags?: readonly Tag[];
  }[];
  return specs.map(({ ResourceType, Tags = [] }) => ({
    action: `ec2:${request.action}`,
    resource: `arn:${where.partition}:ec2:${where.region}:${where.account}:${ResourceType}/new-1`,
    context: tagContext(Tags),
  }));
}

/** `aws:RequestTag/…` of a request that gives tags, in any of the services' forms. */
export function tagContext(tags: unknown): Record<string, string> {
  const pairs: readonly Tag[] = Array.isArray(tags)
    ? tags
    : Object.entries((tags ?? {}) as Record<string, string>).map(([Key, Value]) => ({ Key, Value }));
  return Object.fromEntries(pairs.map(({ Key, Value }) => [`aws:RequestTag/${Key}`, Value]));
}
