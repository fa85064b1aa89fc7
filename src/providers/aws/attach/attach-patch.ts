import type { Owner } from '../../../provision/wiring-facts.ts';

/** What a person has to change in the files of the engine that owns a resource; attach leaves the resource alone. */
export interface Patch {
  readonly resource: string;
  readonly owner: Owner;
  /** To be merged into the engine's own files. */
  readonly text: string;
}

export interface FunctionChange {
  readonly variables: Readonly<Record<string, string>>;
  readonly subnetIds?: readonly string[];
  readonly groupIds?: readonly string[];
  readonly statements: readonly object[];
}

export function functionPatch(name: string, owner: Owner, change: FunctionChange): Patch {
  const text = owner.engine === 'terraform' ? terraformFunction(change) : yamlFunction(owner, change);
  return { resource: `function ${name}`, owner, text };
}

export function rulePatch(
  owner: Owner,
  rule: {
    readonly group: string;
    readonly direction: 'in' | 'out';
    readonly port: number;
    readonly peer: string;
  },
  description: string,
): Patch {
  const { group, direction, port, peer } = rule;
  const range = peer.includes('/');
  if (owner.engine === 'terraform') {
    const kind = direction === 'in' ? 'ingress' : 'egress';
    const text = [
      `resource "aws_vpc_security_group_${kind}_rule" "lambdapg_attach" {`,
      `  security_group_id            = "${group}"`,
      range ? `  cidr_ipv4                    = "${peer}"` : `  referenced_security_group_id = "${peer}"`,
      `  ip_protocol                  = "tcp"`,
      `  from_port                    = ${port}`,
      `  to_port                      = ${port}`,
      `  description                  = "${description}"`,
      '}',
    ].join('\n');
    return { resource: `security group ${group}`, owner, text };
  }
  const kind = direction === 'in' ? 'Ingress' : 'Egress';
  const peerKey = range
    ? 'CidrIp'
    : direction === 'in'
      ? 'SourceSecurityGroupId'
      : 'DestinationSecurityGroupId';
  const text = [
    'LambdapgAttach:',
    `  Type: AWS::EC2::SecurityGroup${kind}`,
    '  Properties:',
    `    GroupId: ${group}`,
    `    ${peerKey}: ${peer}`,
    '    IpProtocol: tcp',
    `    FromPort: ${port}`,
    `    ToPort: ${port}`,
    `    Description: "${description}"`,
  ].join('\n');
  return { resource: `security group ${group}`, owner, text };
}

export const proxyPatch = (name: string, owner: Owner, secretArn: string): Patch => ({
  resource: `RDS Proxy ${name}`,
  owner,
  text:
    owner.engine === 'terraform'
      ? `auth {\n  auth_scheme = "SECRETS"\n  iam_auth    = "DISABLED"\n  secret_arn  = "${secretArn}"\n}`
      : `Auth:\n  - AuthScheme: SECRETS\n    IAMAuth: DISABLED\n    SecretArn: ${secretArn}`,
});

function yamlFunction(
  { engine }: Owner,
  { variables, subnetIds, groupIds, statements }: FunctionChange,
): string {
  const serverless = engine === 'serverless';
  const pairs = Object.entries(variables).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const list = (ids: readonly string[]): string => `[${ids.join(', ')}]`;
  const vpc =
    subnetIds === undefined || groupIds === undefined
      ? []
      : [
          serverless ? 'vpc:' : 'VpcConfig:',
          `  ${serverless ? 'subnetIds' : 'SubnetIds'}: ${list(subnetIds)}`,
          `  ${serverless ? 'securityGroupIds' : 'SecurityGroupIds'}: ${list(groupIds)}`,
        ];
  const environment = serverless
    ? ['environment:', ...pairs.map((pair) => `  ${pair}`)]
    : ['Environment:', '  Variables:', ...pairs.map((pair) => `    ${pair}`)];
  const policy = ['# to the statements of its role:', ...statements.map((one) => `# ${JSON.stringify(one)}`)];
  return [...vpc, ...environment, ...policy].join('\n');
}

function terraformFunction({ variables, subnetIds, groupIds, statements }: FunctionChange): string {
  const list = (ids: readonly string[]): string => `[${ids.map((id) => `"${id}"`).join(', ')}]`;
  const vpc =
    subnetIds === undefined || groupIds === undefined
      ? []
      : [
          'vpc_config {',
          `  subnet_ids         = ${list(subnetIds)}`,
          `  security_group_ids = ${list(groupIds)}`,
          '}',
        ];
  const pairs = Object.entries(variables).map(([key, value]) => `    ${key} = ${JSON.stringify(value)}`);
  return [
    ...vpc,
    'environment {',
    '  variables = {',
    ...pairs,
    '  }',
    '}',
    '# to the policy of its role:',
    ...statements.map((one) => `# ${JSON.stringify(one)}`),
  ].join('\n');
}
