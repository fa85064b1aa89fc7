import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyCdkStack } from './cdk-facts.ts';
import { type CdkProject, synthesise } from './cdk-projects.ts';
import { installedFor } from './engine-packages.ts';

/** One line of a generated app, changed to what is wrong: the facts must notice each. */
interface Break {
  readonly template: 'cdk-isolated-proxy' | 'cdk-nat';
  readonly flags: object;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const of =
  (template: Break['template'], flags: object) =>
  (file: string, from: string, to: string): Break => ({ template, flags, file, from, to });
const proxied = of('cdk-isolated-proxy', {});
const nat = of('cdk-nat', {});
const iam = of('cdk-isolated-proxy', { auth: 'iam', database: 'aurora', reader: true });

const breaks: readonly Break[] = [
  proxied('network', 'open: false', 'open: true'),
  proxied('network', 'privateDnsEnabled: true', 'privateDnsEnabled: false'),
  proxied('network', 'maxAzs: 2', 'maxAzs: 1'),
  proxied('groups', 'allowAllOutbound: false', 'allowAllOutbound: true'),
  proxied('groups', 'toPort: port', 'toPort: 65535'),
  proxied('stack', 'connect(group, proxy.group, 5432)', 'connect(group, database.group, 5432)'),
  proxied('stack', '    proxy.node.addDependency(schema.applied);\n', ''),
  proxied('stack', '    functions.node.addDependency(schema.applied);\n', ''),
  proxied(
    'stack',
    '...networkInterfaces(functionArn)',
    '...networkInterfaces(functionArn), ...login.schemaStatements',
  ),
  proxied('stack', "'verify-full'", "'require'"),
  proxied('stack', '      ...proxy.outputs,\n', ''),
  proxied('database', 'publiclyAccessible: false', 'publiclyAccessible: true'),
  proxied('database', 'storageEncrypted: true', 'storageEncrypted: false'),
  proxied('database', "storageType: 'gp3'", "storageType: 'gp2'"),
  proxied('database', "'rds.force_ssl': '1'", "'rds.force_ssl': '0'"),
  proxied('database', "      caCertificateIdentifier: 'rds-ca-rsa2048-g1',\n", ''),
  proxied('database', 'RemovalPolicy.SNAPSHOT', 'RemovalPolicy.DESTROY'),
  proxied('database', "      port: '5432',\n", ''),
  proxied('proxy', 'requireTls: answers.requireTls', 'requireTls: false'),
  proxied('proxy', '    connect(this.group, database.group, 5432);\n', ''),
  proxied('proxy', 'maxConnectionsPercent: 80', 'maxConnectionsPercent: 100'),
  proxied('login', "iamAuth: 'DISABLED'", "iamAuth: 'REQUIRED'"),
  proxied('login', 'this.proxyStatements = [read(a, b)]', "this.proxyStatements = [read('*')]"),
  proxied('login', '      description,\n', '      description,\n      generateSecretString: {},\n'),
  proxied('lambda-function', '    retention: project.cloud.logRetentionDays,\n', ''),
  proxied('lambda-function', 'resources: [logGroup.logGroupArn]', "resources: ['*']"),
  proxied(
    'lambda-function',
    'loggingFormat: lambda.LoggingFormat.JSON',
    'loggingFormat: lambda.LoggingFormat.TEXT',
  ),
  proxied(
    'lambda-function',
    'currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN }',
    'currentVersionOptions: {}',
  ),
  proxied(
    'callers',
    'targets: [new targets.LambdaFunction(alias)]',
    'targets: [new targets.LambdaFunction(alias.lambda)]',
  ),
  proxied('functions', "aliasName: 'live'", "aliasName: 'current'"),
  proxied('names', "'lambdapg:engine', 'cdk'", "'lambdapg:engine', 'none'"),
  proxied(
    'schema',
    'onEventHandler: worker,',
    'onEventHandler: worker,\n      vpc: network.vpc,\n      vpcSubnets: network.subnets,',
  ),
  proxied('schema', 'this.applied.node.addDependency(network, database, group);', ''),
  nat(
    'network',
    'const nat = subnet.addNatGateway();',
    "const nat = subnet.addNatGateway();\n    new ec2.CfnNatGateway(this, 'Second', { subnetId: subnet.subnetId, allocationId: 'eipalloc-0a1' });",
  ),
  nat('network', 'ec2.Port.tcp(443)', 'ec2.Port.allTcp()'),
  nat('network', '      (subnet as ec2.PrivateSubnet).addDefaultNatRoute(nat.ref);\n', ''),
  nat('stack', "        PGSSLROOTCERT: './rds-ca.pem',\n", ''),
  iam('login', 'users.map((user) =>', "['*'].map((user) =>"),
  iam('login', "masterUserAuthenticationType: 'iam-db-auth'", 'manageMasterUserPassword: true'),
  iam('proxy', "targetRole: 'READ_ONLY'", "targetRole: 'READ_WRITE'"),
  iam('database', 'enableHttpEndpoint: true', 'enableHttpEndpoint: false'),
];

const titled = breaks.map((one, index) => ({ ...one, index }));
let projects: readonly CdkProject[] = [];
beforeAll(async () => {
  await installedFor('cdk');
  projects = await synthesise(
    breaks.map(({ template, flags, file, from, to }) => ({
      ...{ template, flags },
      async change(directory: string) {
        const path = join(directory, 'infra', `${file}.ts`);
        const text = await readFile(path, 'utf8');
        if (!text.includes(from)) throw new Error(`${file}.ts has no ${from}`);
        await writeFile(
          path,
          text.replace(from, () => to),
        );
      },
    })),
    // Of all, and not of the first alone.
    { '@aws-cdk/core:failSynthOnValidationErrors': false },
  );
}, 900_000);
afterAll(() => Promise.all(projects.map(({ directory }) => rm(directory, { recursive: true, force: true }))));

test.each(titled)('$file.ts without $from is noticed', ({ index }) => {
  const { template, answers, findings } = projects[index] as CdkProject;
  const verify = () => {
    expect(findings).toEqual([]);
    verifyCdkStack(template, answers.choices);
  };
  expect(verify).toThrow();
});
