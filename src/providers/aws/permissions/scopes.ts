/** Where a policy is to hold. */
export interface PolicyTarget {
  readonly project: string;
  readonly stage: string;
  readonly account: string;
  readonly region: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  /** For a rotation: who besides the stage's own functions holds the login. Names or ARNs. */
  readonly consumers?: ConsumerNames;
}

export interface ConsumerNames {
  readonly functions: readonly string[];
  readonly parameters: readonly string[];
  readonly secrets: readonly string[];
}

export type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** What an action is allowed on. */
export interface Scope {
  readonly resources: readonly string[];
  readonly condition?: Condition;
}

/** @param foreign the command works on what others made (attach): names and tags cannot narrow it */
type MakeScope = (target: PolicyTarget, foreign: boolean) => Scope;

const arn = (target: PolicyTarget, service: string, rest: string): string =>
  `arn:${target.partition}:${service}:${target.region}:${target.account}:${rest}`;

/** All names of a stage begin like this; `after` is what stands before the rest of the name. */
const names = (target: PolicyTarget, foreign: boolean, after = '-'): string =>
  foreign ? '*' : `${target.project}-${target.stage}${after}*`;

const named =
  (service: string, ...kinds: string[]): MakeScope =>
  (target, foreign) => ({
    resources: kinds.map((kind) => arn(target, service, `${kind}${names(target, foreign)}`)),
  });

const tags = (target: PolicyTarget, key: 'aws:RequestTag' | 'aws:ResourceTag'): Condition => ({
  StringEquals: {
    [`${key}/lambdapg:project`]: target.project,
    [`${key}/lambdapg:stage`]: target.stage,
  },
});

/** Ids that AWS makes up cannot be foretold: our tags must be on what is created, and on what of ours is changed. */
const tagged =
  (key: 'aws:RequestTag' | 'aws:ResourceTag', service: string, ...kinds: string[]): MakeScope =>
  (target, foreign) => ({
    resources: kinds.map((kind) => arn(target, service, `${kind}*`)),
    ...(foreign ? foreignCondition(key) : { condition: tags(target, key) }),
  });

/** What attach makes carries the name of its function; what it changes may be anybody's. */
const foreignCondition = (key: 'aws:RequestTag' | 'aws:ResourceTag'): Pick<Scope, 'condition'> =>
  key === 'aws:ResourceTag'
    ? {}
    : { condition: { StringLike: { [`${key}/lambdapg:attach-function`]: '*' } } };

const passTo =
  (service: string): MakeScope =>
  (target, foreign) => ({
    resources: [roleArn(target, names(target, foreign))],
    condition: { StringEquals: { 'iam:PassedToService': service } },
  });

const roleArn = (target: PolicyTarget, name: string): string =>
  `arn:${target.partition}:iam::${target.account}:role/${name}`;

/** The secret that RDS keeps for a master login has a random name, and a tag with the database's ARN. */
const masterSecret =
  (kind: 'db' | 'cluster', tag: string): MakeScope =>
  (target, foreign) => ({
    resources: [arn(target, 'secretsmanager', `secret:rds!${kind}-*`)],
    condition: {
      StringLike: {
        [`aws:ResourceTag/aws:rds:${tag}`]: arn(target, 'rds', `${kind}:${names(target, foreign)}`),
      },
    },
  });

/** What others made and lambdapg.json lists; nothing where it lists none. */
const consumers =
  (service: string, kind: keyof ConsumerNames, spell: (name: string) => readonly string[]): MakeScope =>
  (target) => ({
    resources: (target.consumers?.[kind] ?? []).flatMap((name) =>
      spell(name).map((rest) => (rest.startsWith('arn:') ? rest : arn(target, service, rest))),
    ),
  });

const createsInNetwork = [
  'AllocateAddress',
  'CreateInternetGateway',
  'CreateNatGateway',
  'CreateRouteTable',
  'CreateSecurityGroup',
  'CreateSubnet',
  'CreateVpc',
  'CreateVpcEndpoint',
];

/** Every place an action of the table may be allowed on. */
export const scopes = {
  anything: () => ({ resources: ['*'] }),

  instance: named('rds', 'db:'),
  cluster: named('rds', 'cluster:'),
  subnetGroup: named('rds', 'subgrp:'),
  parameterGroup: named('rds', 'pg:'),
  clusterParameterGroup: named('rds', 'cluster-pg:'),
  snapshot: named('rds', 'snapshot:'),
  clusterSnapshot: named('rds', 'cluster-snapshot:'),
  defaultOptionGroup: (target) => ({ resources: [arn(target, 'rds', 'og:default:*')] }),
  newProxy: (target) => ({ resources: ['*'], condition: tags(target, 'aws:RequestTag') }),
  newProxyParts: tagged('aws:RequestTag', 'rds', 'db-proxy:', 'db-proxy-endpoint:'),
  ownProxyParts: tagged('aws:ResourceTag', 'rds', 'db-proxy:', 'db-proxy-endpoint:'),
  // RDS makes it with the proxy, without our tags.
  targetGroup: (target) => ({ resources: [arn(target, 'rds', 'target-group:*')] }),
  databaseLogin: (target, foreign) => ({
    resources: (foreign ? ['*'] : [`${target.project.replaceAll('-', '_')}_*`, 'lambdapg_admin']).map(
      (login) => arn(target, 'rds-db', `dbuser:*/${login}`),
    ),
  }),

  secret: (target, foreign) => ({
    resources: [arn(target, 'secretsmanager', `secret:${names(target, foreign, '/')}`)],
  }),
  masterSecretOfInstance: masterSecret('db', 'primaryDBInstanceArn'),
  masterSecretOfCluster: masterSecret('cluster', 'primaryDBClusterArn'),
  newMasterSecret: (target) => ({ resources: [arn(target, 'secretsmanager', 'secret:rds!*')] }),
  keysViaRds: (target) => ({
    resources: [arn(target, 'kms', 'key/*')],
    condition: {
      StringEquals: {
        'kms:ViaService': ['rds', 'secretsmanager'].map((name) => `${name}.${target.region}.amazonaws.com`),
      },
    },
  }),

  newNetwork: tagged('aws:RequestTag', 'ec2', ''),
  ownNetwork: tagged('aws:ResourceTag', 'ec2', ''),
  tagsOfNewNetwork: (target) => ({
    resources: [arn(target, 'ec2', '*')],
    condition: { StringEquals: { 'ec2:CreateAction': createsInNetwork } },
  }),
  // Of an existing network, whose VPC has no tags of ours.
  anyVpc: (target) => ({ resources: [arn(target, 'ec2', 'vpc/*')] }),
  securityGroupRule: (target) => ({ resources: [arn(target, 'ec2', 'security-group-rule/*')] }),

  managedPolicy: (target) => ({
    resources: ['aws', target.account].map((owner) => `arn:${target.partition}:iam::${owner}:policy/*`),
  }),
  role: (target, foreign) => ({ resources: [roleArn(target, names(target, foreign))] }),
  roleForFunction: passTo('lambda.amazonaws.com'),
  roleForProxy: passTo('rds.amazonaws.com'),
  serviceRoleOfRds: (target) => ({
    resources: [roleArn(target, 'aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS')],
    condition: { StringEquals: { 'iam:AWSServiceName': 'rds.amazonaws.com' } },
  }),

  function: named('lambda', 'function:'),
  // Its versions and aliases too.
  consumerFunction: consumers('lambda', 'functions', (name) => {
    const whole = name.startsWith('arn:') ? name : `function:${name}`;
    return [whole, `${whole}:*`];
  }),
  consumerParameter: consumers('ssm', 'parameters', (name) => [`parameter/${name.replace(/^\//, '')}`]),
  // Secrets Manager adds six characters to a name.
  consumerSecret: consumers('secretsmanager', 'secrets', (name) => [
    name.startsWith('arn:') ? name : `secret:${name}-??????`,
  ]),
  rule: named('events', 'rule/'),
  stack: (target) => ({
    resources: [arn(target, 'cloudformation', `stack/${target.project}-${target.stage}/*`)],
  }),
  logGroup: (target, foreign) => ({
    resources: ['lambda/', 'rds/instance/', 'rds/cluster/', 'rds/proxy/'].map((kind) =>
      arn(target, 'logs', `log-group:/aws/${kind}${names(target, foreign)}`),
    ),
  }),
  lock: (target, foreign) => {
    const path = `parameter/lambdapg/${foreign ? 'attach' : `${target.project}-${target.stage}`}`;
    return { resources: [arn(target, 'ssm', path), arn(target, 'ssm', `${path}/*`)] };
  },
  // API Gateway's ARNs have no account, and its ids are made up.
  httpApi: (target) => ({
    resources: ['apis', 'apis/*', 'tags/*'].map(
      (path) => `arn:${target.partition}:apigateway:${target.region}::/${path}`,
    ),
  }),
} as const satisfies Record<string, MakeScope>;

export type ScopeName = keyof typeof scopes;

export const makeScope = (name: ScopeName, target: PolicyTarget, foreign: boolean): Scope => {
  const make: MakeScope = scopes[name];
  return make(target, foreign);
};
