import { expect } from 'vitest';
import { type Choices, isManaged } from '../../src/project/choices.ts';
import type { Resource, Template } from './resolve-template.ts';

/** What decides on a stack's safety, whoever makes it. */
export interface SecurityModel {
  /** `function -> proxy 5432`, once for each rule: as a group lets it out, and as one lets it in. */
  readonly out: readonly string[];
  readonly into: readonly string[];
  readonly databases: readonly { readonly isPublic: boolean; readonly isEncrypted: boolean }[];
  readonly forcesTls: readonly boolean[];
  readonly proxies: readonly { readonly requiresTls: boolean }[];
  readonly functions: readonly SecuredFunction[];
  readonly internetGateways: number;
  readonly natGateways: number;
  /** All of it. */
  readonly text: string;
}

export interface SecuredFunction {
  /** Without project and stage; a function of the engine itself, that no answer names, has none. */
  readonly name: string | undefined;
  readonly runtime: string;
  /** Names of groups; none outside a network. */
  readonly groups: readonly string[];
  readonly keepsLogsDays: number | undefined;
  /** `action on resource`, of what is allowed. */
  readonly allowed: readonly string[];
}

const runtimes = /^(nodejs(22|24)\.x|python3\.1[34])$/;
/** Of functions that lambdapg brings along. */
const helpers = ['runner', 'schema'];

/** The shared facts of every engine (docs/decisions/011-engines.md). `own`: what this engine's helpers reach besides. */
export function verifySecurity(model: SecurityModel, choices: Choices, own: readonly string[] = []): void {
  const wanted = [...wantedPassages(choices), ...own].sort();
  // Each pair has exactly one rule at each end.
  expect([...model.out].sort()).toEqual(wanted);
  expect([...model.into].sort()).toEqual(wanted.filter((passage) => !passage.includes('0.0.0.0/0')));
  expect(model.into.filter((passage) => /0\.0\.0\.0|::\/0/.test(passage))).toEqual([]);
  for (const database of model.databases) expect(database).toEqual({ isPublic: false, isEncrypted: true });
  expect(model.databases.length > 0).toBe(isManaged(choices));
  expect(model.forcesTls).toEqual(isManaged(choices) ? [true] : []);
  expect(model.proxies).toEqual(choices.proxy ? [{ requiresTls: true }] : []);
  const isNat = choices.network === 'nat';
  expect([model.internetGateways, model.natGateways]).toEqual(isNat ? [1, 1] : [0, 0]);
  // No password can stand anywhere: nothing has a property that takes one.
  expect(model.text).not.toMatch(/"(MasterUserPassword|SecretString|GenerateSecretString|PGPASSWORD)"/);
  for (const one of model.functions) verifyFunction(one, choices);
}

function wantedPassages(choices: Choices): string[] {
  if (!isManaged(choices)) return [];
  const { proxy, network, auth } = choices;
  return [
    proxy ? 'function -> proxy 5432' : 'function -> database 5432',
    'runner -> database 5432',
    ...(proxy ? ['proxy -> database 5432', 'runner -> proxy 5432'] : []),
    ...(network === 'isolated' && auth === 'secret' ? ['function -> endpoint 443'] : []),
    ...(network === 'isolated' ? [] : ['function -> 0.0.0.0/0 443']),
  ];
}

function verifyFunction(
  { name, runtime, groups, keepsLogsDays, allowed }: SecuredFunction,
  choices: Choices,
) {
  if (name === undefined) return;
  expect(runtime, name).toMatch(runtimes);
  expect(keepsLogsDays, name).toBe(14);
  const group = helpers.includes(name) ? name : 'function';
  expect(groups, name).toEqual(isManaged(choices) ? [group] : []);
  const rights = allowed.filter(
    (one) => !/^(logs:(CreateLogStream|PutLogEvents) on its log group|ec2:\w+ on \*)$/.test(one),
  );
  if (name === 'runner') expect(rights).toEqual([]);
  // One secret or one login of the database, and nothing else.
  if (!helpers.includes(name)) {
    expect(rights, name).toHaveLength(1);
    expect(rights[0], name).toMatch(
      choices.auth === 'iam'
        ? /^rds-db:connect on arn:\S+:dbuser:[^*]+\/my_library_a$/
        : /^secretsmanager:GetSecretValue on [^*]+$/,
    );
  }
}

/** @param template one that `resolveTemplate` has been over, of project my-library and stage dev */
export function fromCloudFormation(template: Template): SecurityModel {
  const all = (type: string) =>
    Object.entries(template.Resources).filter(([, { Type }]) => Type === `AWS::${type}`);
  const of = (type: string) => all(type).map(([, { Properties }]) => Properties as Properties);
  const groupName = groupNames(all('EC2::SecurityGroup'));
  const name = (id: unknown): string => groupName.get(String(id)) ?? String(id);
  const isTrue = (value: unknown): boolean => String(value) === 'true';
  const port = ({ FromPort, ToPort, IpProtocol }: Properties): string =>
    FromPort === ToPort && IpProtocol === 'tcp' ? String(FromPort) : 'more than one port';
  const inline = (property: string) =>
    all('EC2::SecurityGroup').flatMap(([id, { Properties }]) =>
      ([(Properties as Properties)[property] ?? []].flat() as Properties[])
        .filter((rule) => !leadsNowhere(rule))
        .map((rule): Properties => ({ ...rule, GroupId: `<${id}.GroupId>` })),
    );
  const isMember = (one: Properties) =>
    one.DBClusterIdentifier !== undefined || one.SourceDBInstanceIdentifier !== undefined;
  const instances = of('RDS::DBInstance');
  return {
    out: [...of('EC2::SecurityGroupEgress'), ...inline('SecurityGroupEgress')].map(
      (rule) =>
        `${name(rule.GroupId)} -> ${name(rule.DestinationSecurityGroupId ?? rule.CidrIp)} ${port(rule)}`,
    ),
    into: [...of('EC2::SecurityGroupIngress'), ...inline('SecurityGroupIngress')].map(
      (rule) => `${name(rule.SourceSecurityGroupId ?? rule.CidrIp)} -> ${name(rule.GroupId)} ${port(rule)}`,
    ),
    databases: [
      // The storage of a member is its cluster's, of a replica its source's; a cluster has no address of its own.
      ...instances.map((one) => ({
        isPublic: !(one.PubliclyAccessible !== undefined && !isTrue(one.PubliclyAccessible)),
        isEncrypted: isMember(one) || isTrue(one.StorageEncrypted),
      })),
      ...of('RDS::DBCluster').map((one) => ({ isPublic: false, isEncrypted: isTrue(one.StorageEncrypted) })),
    ],
    forcesTls: [...of('RDS::DBParameterGroup'), ...of('RDS::DBClusterParameterGroup')].map(
      ({ Parameters }) => (Parameters as Properties)['rds.force_ssl'] === '1',
    ),
    proxies: of('RDS::DBProxy').map(({ RequireTLS }) => ({ requiresTls: isTrue(RequireTLS) })),
    functions: of('Lambda::Function').map((one) => securedFunction(template, one, name)),
    internetGateways: of('EC2::InternetGateway').length,
    natGateways: of('EC2::NatGateway').length,
    text: JSON.stringify(template),
  };
}

type Properties = Readonly<Record<string, unknown>>;

/** CloudFormation lets everything out unless one rule is there, so a group that lets nothing out has one to nowhere. */
const leadsNowhere = ({ CidrIp }: Properties): boolean =>
  /^(255\.255\.255\.255|127\.0\.0\.1)\/32$/.test(String(CidrIp));

function groupNames(groups: readonly [string, Resource][]): Map<string, string> {
  return new Map(
    groups.flatMap(([id, { Properties }]) => {
      const tags = ((Properties as Properties).Tags ?? []) as { Key: string; Value: string }[];
      const tag = tags.find(({ Key }) => Key === 'Name')?.Value ?? '';
      const name = tag.replace(/^my-library-dev-(sg-)?/, '').replace(/-group$/, '');
      return [`<${id}>`, `<${id}.GroupId>`].map((reference) => [reference, name] as const);
    }),
  );
}

function securedFunction(
  { Resources }: Template,
  { FunctionName, Runtime, VpcConfig, Role, LoggingConfig }: Properties,
  groupName: (id: unknown) => string,
): SecuredFunction {
  const prefix = 'my-library-dev-';
  const named = FunctionName === undefined ? undefined : String(FunctionName).slice(prefix.length);
  const [logId = '', logGroup] =
    Object.entries(Resources).find(
      ([id, { Type, Properties }]) =>
        Type === 'AWS::Logs::LogGroup' &&
        ((Properties as Properties).LogGroupName === `/aws/lambda/${FunctionName}` ||
          (LoggingConfig as Properties | undefined)?.LogGroup === `<${id}>`),
    ) ?? [];
  const logs = logGroup?.Properties as Properties | undefined;
  const groups = ((VpcConfig as Properties | undefined)?.SecurityGroupIds ?? []) as string[];
  const days = logs?.RetentionInDays;
  return {
    name: named,
    runtime: String(Runtime),
    groups: groups.map(groupName),
    keepsLogsDays: days === undefined ? undefined : Number(days),
    allowed: allowedTo(Resources, String(Role).replace(/^<(\w+).*>$/, '$1')).map((one) =>
      one.replace(/ on (\S+)$/, (whole, resource: string) =>
        resource === `<${logId}.Arn>` || resource.endsWith(`:log-group:/aws/lambda/${FunctionName}:*`)
          ? ' on its log group'
          : whole,
      ),
    ),
  };
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** Of a role's inline policies, its managed ones where the stack makes them, and those that are attached from outside. */
function allowedTo(resources: Template['Resources'], roleId: string): string[] {
  const role = (resources[roleId]?.Properties ?? {}) as {
    Policies?: Properties[];
    ManagedPolicyArns?: string[];
  };
  const managed = (role.ManagedPolicyArns ?? []).map(
    (arn) => resources[arn.replace(/^<(\w+)>$/, '$1')]?.Properties ?? arn,
  );
  const attached = Object.values(resources)
    .filter(
      ({ Type, Properties }) =>
        Type === 'AWS::IAM::Policy' &&
        [(Properties as Properties).Roles ?? []].flat().includes(`<${roleId}>`),
    )
    .map(({ Properties }) => Properties);
  return [...(role.Policies ?? []), ...managed, ...attached].flatMap((policy) =>
    typeof policy === 'string' ? [`everything of ${policy}`] : statementsOf(policy as Properties),
  );
}

function statementsOf({ PolicyDocument }: Properties): string[] {
  const { Statement } = PolicyDocument as { Statement: readonly Statement[] };
  return Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} on ${resource}`)),
  );
}
