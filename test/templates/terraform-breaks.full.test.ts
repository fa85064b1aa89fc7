// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HCL has the same braces
import { beforeAll, expect, test } from 'vitest';
import type { Files } from '../../src/scaffold/files.ts';
import type { ChoiceFlags } from '../../src/scaffold/resolve-choices.ts';
import { findUndeclared, readHclModule } from './hcl-module.ts';
import { fetchProviderTypes, findSchemaFaults } from './hcl-provider-types.ts';
import { verifySecurity } from './security-assertions.ts';
import { fromTerraform } from './security-assertions-terraform.ts';
import { verifyModule } from './terraform-facts.ts';
import { choicesOf, renderTerraform } from './terraform-projects.ts';

/** One line of a generated file, as it must not be. */
type Break = readonly [title: string, path: string, line: string, instead: string, flags?: ChoiceFlags];

const rds = { database: 'rds' };
const direct = { proxy: false };
const nat = { network: 'nat' };
const iam = { auth: 'iam' };

const breaks: readonly Break[] = [
  [
    'the function reaches the database',
    'pool.tf',
    'aws_security_group.proxy.id\n  referenced_security_group_id = aws_security_group.function.id',
    'aws_security_group.database.id\n  referenced_security_group_id = aws_security_group.function.id',
  ],
  [
    'more than one port',
    'pool.tf',
    'to_port                      = 5432',
    'to_port                      = 65535',
  ],
  [
    'everybody may come in',
    'runner.tf',
    'referenced_security_group_id = aws_security_group.runner.id',
    'cidr_ipv4 = "0.0.0.0/0"',
  ],
  [
    'a pair has two rules',
    'pool.tf',
    'resource "aws_vpc_security_group_ingress_rule" "proxy_from_runner"',
    'resource "aws_vpc_security_group_ingress_rule" "twice" {\n  security_group_id = aws_security_group.proxy.id\n  referenced_security_group_id = aws_security_group.function.id\n  ip_protocol = "tcp"\n  from_port = 5432\n  to_port = 5432\n}\n\nresource "aws_vpc_security_group_ingress_rule" "proxy_from_runner"',
  ],
  [
    'a group lets everything out',
    'groups.tf',
    'vpc_id      = local.network.vpc_id\n',
    'vpc_id      = local.network.vpc_id\n  egress {\n    protocol = "-1"\n    from_port = 0\n    to_port = 0\n  }\n',
  ],
  [
    'an isolated network has an internet gateway',
    'network.tf',
    'resource "aws_route_table" "private"',
    'resource "aws_internet_gateway" "internet" {\n  vpc_id = aws_vpc.vpc.id\n}\n\nresource "aws_route_table" "private"',
  ],
  [
    'a NAT gateway per zone',
    'network.tf',
    'resource "aws_nat_gateway" "nat" {',
    'resource "aws_nat_gateway" "nat" {\n  for_each = aws_subnet.private',
    nat,
  ],
  ['all three ports of the way out', 'internet.tf', 'from_port         = 443', 'from_port         = 0', nat],
  [
    'the endpoint has no private name',
    'secrets-endpoint.tf',
    'private_dns_enabled = true',
    'private_dns_enabled = false',
  ],
  ['the cluster is not encrypted', 'database.tf', 'storage_encrypted  = true', 'storage_encrypted  = false'],
  [
    'the instance is public',
    'database.tf',
    'publicly_accessible    = false',
    'publicly_accessible    = true',
    rds,
  ],
  ['the instance has old storage', 'database.tf', '"gp3"', '"gp2"', rds],
  ['another authority', 'database.tf', 'rds-ca-rsa2048-g1', 'rds-ca-2019'],
  ['connections without TLS', 'database.tf', 'value = "1"', 'value = "0"'],
  [
    'a password of our own',
    'database.tf',
    'manage_master_user_password         = true',
    'master_password                     = "hunter2"',
  ],
  [
    'no protection',
    'variables-database.tf',
    'deletionProtection, null), true)',
    'deletionProtection, null), false)',
  ],
  ['no backups to speak of', 'variables-database.tf', 'backupDays, null), 7)', 'backupDays, null), 1)'],
  [
    'the proxy takes clients without TLS',
    'variables-proxy.tf',
    'requireTls, null), true)',
    'requireTls, null), false)',
  ],
  [
    'the proxy takes all connections',
    'variables-proxy.tf',
    'maxConnectionsPercent, null), 80)',
    'maxConnectionsPercent, null), 100)',
  ],
  [
    'a pinning filter',
    'pool.tf',
    'connection_pool_config {',
    'connection_pool_config {\n    session_pinning_filters = ["EXCLUDE_VARIABLE_SETS"]',
  ],
  ['an init query', 'pool.tf', 'connection_pool_config {', 'connection_pool_config {\n    init_query = ""'],
  ['MD5 between function and proxy', 'proxy.tf', 'POSTGRES_SCRAM_SHA_256', 'POSTGRES_MD5'],
  [
    'the proxy asks for a secret',
    'proxy.tf',
    'default_auth_scheme = "IAM_AUTH"',
    'default_auth_scheme = "NONE"',
    iam,
  ],
  ['the proxy with an older provider', 'versions.tf', '>= 6.15', '>= 5.100', iam],
  [
    'the proxy in the database’s group',
    'proxy.tf',
    'aws_security_group.proxy.id',
    'aws_security_group.database.id',
  ],
  ['the reader’s endpoint writes', 'proxy-reader.tf', 'READ_ONLY', 'READ_WRITE', { reader: true }],
  [
    'the function connects to the database',
    'connection.tf',
    'PGHOST     = local.front.host',
    'PGHOST     = local.database.host',
  ],
  ['the function does not verify', 'connection.tf', 'verify-full', 'require'],
  [
    'no authorities beside the code',
    'connection.tf',
    'PGSSLROOTCERT = "./rds-ca.pem"',
    'PGSSLROOTCERT = "/etc/ssl/cert.pem"',
    direct,
  ],
  [
    'a password in the environment',
    'connection.tf',
    'PGPORT     = "5432"',
    'PGPORT     = "5432"\n    PGPASSWORD = "hunter2"',
  ],
  [
    'the name of the secret and not its ARN',
    'login.tf',
    'LAMBDAPG_SECRET_ARN = aws_secretsmanager_secret.active.arn',
    'LAMBDAPG_SECRET_ARN = aws_secretsmanager_secret.active.name',
  ],
  [
    'every secret may be read',
    'login.tf',
    'Resource = aws_secretsmanager_secret.active.arn',
    'Resource = "*"',
  ],
  [
    'the secret may be written',
    'login.tf',
    '["secretsmanager:GetSecretValue"]',
    '["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]',
  ],
  ['any login in the database', 'login.tf', 'resource_id}/${local.database_name}_a"', 'resource_id}/*"', iam],
  [
    'Terraform writes the secret',
    'login.tf',
    'resource "aws_secretsmanager_secret" "active"',
    'resource "aws_secretsmanager_secret_version" "active" {\n  secret_id = aws_secretsmanager_secret.active.id\n  secret_string = "hunter2"\n}\n\nresource "aws_secretsmanager_secret" "active"',
  ],
  [
    'the runner may read secrets',
    'runner.tf',
    '      local.network_interfaces_statement,',
    '      local.network_interfaces_statement,\n      { Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = "*" },',
  ],
  ['the code may make network interfaces', 'function.tf', 'Effect = "Deny"', 'Effect = "Allow"'],
  [
    'the logs of others',
    'function.tf',
    'Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"',
    'Resource = "*"',
  ],
  [
    'the function in the runner’s group',
    'function.tf',
    'aws_security_group.function.id',
    'aws_security_group.runner.id',
  ],
  ['text in the logs', 'function.tf', 'log_format = "JSON"', 'log_format = "Text"'],
  ['no version', 'function.tf', 'publish = true', 'publish = false'],
  ['logs for ever', 'functions.tf', 'retention_in_days = local.log_retention_days', 'retention_in_days = 0'],
  ['the weights go back', 'functions.tf', 'ignore_changes = [routing_config]', 'ignore_changes = []'],
  ['another alias', 'functions.tf', '"live"\n', '"latest"\n'],
  [
    'the gateway calls $LATEST',
    'api.tf',
    'aws_lambda_alias.live[each.key].arn',
    'aws_lambda_function.function[each.key].arn',
  ],
  ['an older payload', 'api.tf', '"2.0"', '"1.0"'],
  ['every API may call', 'api.tf', '  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/*"\n', ''],
  [
    'more environments than were reserved',
    'function.tf',
    'reservedConcurrency, -1)',
    'reservedConcurrency, 1000)',
  ],
  [
    'a token for everything or nothing',
    'api.tf',
    'var.jwt_issuer == null ? []',
    'var.jwt_issuer != null ? []',
  ],
  ['an output of another name', 'pool.tf', 'output "proxyHost"', 'output "proxyEndpoint"'],
  ['a resource without its tag', 'database.tf', ', "lambdapg:resource" = "db-1"', ''],
  ['no tag of the stage', 'provider.tf', '"lambdapg:stage"   = local.stage', ''],
  ['an attribute of another provider', 'proxy.tf', 'require_tls  ', 'require_ssl  '],
  ['an attribute that is needed', 'pool.tf', 'db_proxy_name = aws_db_proxy.proxy.name', ''],
  ['a name that nothing declares', 'proxy-target.tf', 'aws_db_proxy.proxy.name', 'aws_db_proxy.pool.name'],
];

// A download, the first time.
beforeAll(fetchProviderTypes, 300_000);

for (const [title, path, line, instead, flags = {}] of breaks) {
  test(title, async () => {
    const file = `infra/${path}`;
    const files = new Map(await renderTerraform(flags, 'my-library'));
    expect(await faultsOf(files, flags)).toEqual([]);
    const text = String(files.get(file));
    expect(text, `${file} has it`).toContain(line);
    files.set(
      file,
      text.replace(line, () => instead),
    );
    expect(await faultsOf(files, flags)).not.toEqual([]);
  });
}

async function faultsOf(files: Files, flags: ChoiceFlags): Promise<string[]> {
  const module = await readHclModule(files);
  const verify = async (): Promise<void> => {
    verifySecurity(await fromTerraform(files), choicesOf(flags));
    await verifyModule(module, choicesOf(flags));
  };
  const facts = await verify().then(
    () => [],
    (error: Error) => [error.message],
  );
  const faults = [...facts, ...findUndeclared(module)];
  return faults.length > 0 ? faults : findSchemaFaults(module);
}
