import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTempDir } from '../postgres-server.ts';
import { packageServerless, writeEngineProject } from './cloudformation-projects.ts';
import { installedFor } from './engine-packages.ts';
import { answersFor } from './generate.ts';
import { resolveTemplate, type Template } from './resolve-template.ts';
import { everyStack } from './stack-variants.ts';
import { verifyServerless } from './verify-variant.ts';

/** To compile a layer osls asks for the stack that is deployed; here there is none. */
const noStack = createServer((_request, response) => {
  const error =
    '<Error><Code>ValidationError</Code><Message>Stack with id my-library-dev does not exist</Message></Error>';
  response.writeHead(400, { 'content-type': 'text/xml' }).end(`<ErrorResponse>${error}</ErrorResponse>`);
});

beforeAll(async () => {
  await Promise.all([installedFor('serverless'), installedFor('cdk')]);
  await new Promise<void>((done) => noStack.listen(0, '127.0.0.1', done));
}, 240_000);
afterAll(() => noStack.close());

test.each(everyStack('serverless'))('%s', { timeout: 120_000 }, async (_title, flags) => {
  const { port } = noStack.address() as AddressInfo;
  await verifyServerless('api', flags, {
    ...{ AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' },
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  });
});

describe('an edited lambdapg.json', () => {
  let template: Template;
  beforeAll(async () => {
    const directory = await makeTempDir();
    const answers = answersFor('api', { engine: 'serverless', database: 'aurora', proxy: true });
    await writeEngineProject(answers, directory);
    await edit(directory);
    template = resolveTemplate(await packageServerless(directory), 'my-library-dev');
    await rm(directory, { recursive: true, force: true });
  }, 120_000);

  /** A function more and one less, and other settings. */
  async function edit(directory: string): Promise<void> {
    const file = join(directory, 'lambdapg.json');
    const config = JSON.parse(await readFile(file, 'utf8'));
    const routes = ['POST /mail', 'ANY /mail/{id}'];
    config.functions['send-mail'] = { handler: 'src/api.post', routes, environment: { FROM: 'a@b.c' } };
    delete config.functions.overdue;
    Object.assign(config.cloud.database, { minAcu: 1, maxAcu: 8, backupDays: 30, deletionProtection: false });
    Object.assign(config.cloud, { proxy: { maxConnectionsPercent: 60 }, logRetentionDays: 90 });
    config.cloud.network = { cidr: '10.1.0.0/22' };
    await writeFile(file, JSON.stringify(config));
    const zips = join(directory, '.lambdapg/package');
    await copyFile(join(zips, 'api.zip'), join(zips, 'send-mail.zip'));
  }

  const all = (type: string) =>
    Object.values(template.Resources)
      .filter(({ Type }) => Type === type)
      .map(({ Properties }) => Properties as Record<string, unknown>);

  test('a function is deployed with its routes and a role, another one not', () => {
    const mail = all('AWS::Lambda::Function').find(
      ({ FunctionName }) => FunctionName === 'my-library-dev-send-mail',
    );
    expect(mail).toMatchObject({
      ...{ Handler: 'index.post', MemorySize: '256', Timeout: '10', Role: '<SendMailRole.Arn>' },
      Environment: { Variables: { FROM: 'a@b.c', PGHOST: '<Proxy.Endpoint>' } },
    });
    expect(mail).not.toHaveProperty('ReservedConcurrentExecutions');
    expect(template.Resources.SendMailRole?.Properties).toMatchObject({
      RoleName: 'my-library-dev-send-mail',
    });
    const routes = all('AWS::ApiGatewayV2::Route').map(({ RouteKey }) => RouteKey);
    expect(routes.sort()).toEqual(['$default', 'ANY /mail/{id}', 'POST /mail']);
    expect(all('AWS::Events::Rule')).toEqual([]);
  });

  test('database, proxy, network and logs are as it says', () => {
    expect(template.Resources.Database?.Properties).toMatchObject({
      ...{ BackupRetentionPeriod: '30', DeletionProtection: 'false' },
      ServerlessV2ScalingConfiguration: { MinCapacity: '1', MaxCapacity: '8' },
    });
    const [pool] = all('AWS::RDS::DBProxyTargetGroup');
    expect(pool).toMatchObject({ ConnectionPoolConfigurationInfo: { MaxConnectionsPercent: '60' } });
    expect(all('AWS::EC2::VPC')).toMatchObject([{ CidrBlock: '10.1.0.0/22' }]);
    const days = all('AWS::Logs::LogGroup').map(({ RetentionInDays }) => RetentionInDays);
    expect([...new Set(days)]).toEqual(['90']);
  });
});
