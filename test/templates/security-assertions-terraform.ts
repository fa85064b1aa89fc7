import type { Files } from '../../src/scaffold/files.ts';
import { type Body, resolved } from './hcl-bodies.ts';
import { type HclModule, readHclModule } from './hcl-module.ts';
import { resolveHcl, showHcl } from './hcl-values.ts';
import type { SecuredFunction, SecurityModel } from './security-assertions.ts';

interface Config {
  readonly runtime: string;
  readonly functions: Readonly<Record<string, unknown>>;
}

/** @param files of a project, with its `lambdapg.json`: there its functions stand */
export async function fromTerraform(files: Files): Promise<SecurityModel> {
  const module = await readHclModule(files);
  const config = JSON.parse(String(files.get('lambdapg.json'))) as Config;
  const of = (type: string): Promise<Body[]> =>
    Promise.all(
      module.resources
        .filter((one) => one.type === type)
        .map(async ({ body }) => showHcl(await resolveHcl(module, body)) as Body),
    );
  const instances = await of('aws_db_instance');
  const members = await of('aws_rds_cluster_instance');
  const clusters = await of('aws_rds_cluster');
  const groups = [...(await of('aws_db_parameter_group')), ...(await of('aws_rds_cluster_parameter_group'))];
  return {
    out: (await of('aws_vpc_security_group_egress_rule')).map(
      (rule) => `${groupOf(rule.security_group_id)} -> ${peerOf(rule)} ${portOf(rule)}`,
    ),
    into: (await of('aws_vpc_security_group_ingress_rule')).map(
      (rule) => `${peerOf(rule)} -> ${groupOf(rule.security_group_id)} ${portOf(rule)}`,
    ),
    databases: [
      ...instances.map((one) => ({ isPublic: isPublic(one), isEncrypted: one.storage_encrypted === true })),
      // A member's storage is its cluster's, and a cluster has no address of its own.
      ...members.map((one) => ({ isPublic: isPublic(one), isEncrypted: true })),
      ...clusters.map((one) => ({ isPublic: false, isEncrypted: one.storage_encrypted === true })),
    ],
    forcesTls: groups.map(({ parameter = [] }) =>
      (parameter as Body[]).some(({ name, value }) => name === 'rds.force_ssl' && value === '1'),
    ),
    proxies: (await of('aws_db_proxy')).map((one) => ({ requiresTls: one.require_tls === true })),
    functions: await functionsOf(module, config),
    internetGateways: (await of('aws_internet_gateway')).length,
    natGateways: (await of('aws_nat_gateway')).length,
    text: JSON.stringify(module),
  };
}

const groupOf = (id: unknown): string => String(id).replace(/^<aws_security_group\.(\w+)\.id>$/, '$1');
const peerOf = (rule: Body): string => groupOf(rule.referenced_security_group_id ?? rule.cidr_ipv4);
const portOf = ({ from_port, to_port, ip_protocol }: Body): string =>
  from_port === to_port && ip_protocol === 'tcp' ? String(from_port) : 'more than one port';
/** AWS decides where nothing is said. */
const isPublic = ({ publicly_accessible }: Body): boolean => publicly_accessible !== false;

/** The runner, and each function of `lambdapg.json`, which all are the one resource that is called function. */
async function functionsOf(module: HclModule, config: Config): Promise<SecuredFunction[]> {
  const all = module.resources.filter(({ type }) => type === 'aws_lambda_function');
  const found = all.map(async ({ name, body }): Promise<SecuredFunction[]> => {
    const { runtime, vpc_config } = showHcl(body) as { runtime: string; vpc_config?: Body[] };
    const log = await resolved(module, 'aws_cloudwatch_log_group', name);
    const secured = {
      runtime: runtime === '<local.answers.runtime>' ? config.runtime : runtime,
      groups: ((vpc_config?.[0]?.security_group_ids ?? []) as string[]).map(groupOf),
      keepsLogsDays: typeof log.retention_in_days === 'number' ? log.retention_in_days : undefined,
      allowed: await allowedTo(module, name),
    };
    const names = name === 'function' ? Object.keys(config.functions) : [name];
    return names.map((one) => ({ name: one, ...secured }));
  });
  return (await Promise.all(found)).flat();
}

interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
}

async function allowedTo(module: HclModule, name: string): Promise<string[]> {
  const { policy } = await resolved(module, 'aws_iam_role_policy', name);
  const { Statement = [] } = (policy ?? {}) as { Statement?: readonly Statement[] };
  const allowed = Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => [Resource].flat().map((resource) => ({ action, resource }))),
  );
  const shown = allowed.map(
    async ({ action, resource }) => `${action} on ${await showResource(module, name, resource)}`,
  );
  return Promise.all(shown);
}

async function showResource(module: HclModule, name: string, resource: string): Promise<string> {
  if (new RegExp(`^<aws_cloudwatch_log_group\\.${name}(\\[each\\.key\\])?\\.arn>:\\*$`).test(resource))
    return 'its log group';
  let shown = resource;
  for (const [whole, local = ''] of resource.matchAll(/<local\.(\w+)>/g)) {
    const value = showHcl(await resolveHcl(module, module.locals[local]));
    // PostgreSQL's name of the project: the one function that decides over it.
    shown = shown.replace(
      whole,
      value === '<replace(local.project, "-", "_")>' ? 'my_library' : String(value),
    );
  }
  return shown;
}
