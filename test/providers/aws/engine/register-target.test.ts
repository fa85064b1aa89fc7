import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { configSchema } from '../../../../src/project/config-schema.ts';
import { parseProjectName } from '../../../../src/project/names.ts';
import { registerTarget } from '../../../../src/providers/aws/engine/register-target.ts';
import { takeLook } from '../../../../src/providers/aws/look.ts';
import { openWorld } from '../../../../src/providers/aws/open-world.ts';
import { type Bed, startBed } from '../../../bed/bed.ts';
import { type Aws, awsOf, instanceInput, makeNetwork, proxyInput } from '../../../bed/differs.ts';
import { testContext } from '../../../postgres-server.ts';

const Tags = [
  { Key: 'lambdapg:project', Value: 'shop' },
  { Key: 'lambdapg:stage', Value: 'dev' },
];
let bed: Bed;
let aws: Aws;
beforeEach(async () => {
  bed = await startBed({ pace: { default: 0 } });
  onTestFinished(() => bed.stop());
  Object.assign(process.env, bed.environment);
  aws = awsOf(bed, false);
});

async function makeProxy(tags: object[] = Tags): Promise<void> {
  await aws('rds', 'CreateDBInstance', instanceInput({ DBInstanceIdentifier: 'shop-dev-db', Tags }));
  const network = await makeNetwork(aws);
  await aws('rds', 'CreateDBProxy', proxyInput(network, { DBProxyName: 'shop-dev-proxy', Tags: tags }));
}

async function register(): Promise<void> {
  const config = configSchema.parse({
    ...{ name: 'shop', template: 'api', engine: 'sam', language: 'node', runtime: 'nodejs24.x' },
    ...{ cloud: { proxy: {} }, functions: { api: { handler: 'src/api.handler' } } },
  });
  const project = { dir: '/nowhere', config, names: parseProjectName('shop') };
  const world = await openWorld(testContext(), project, { stage: 'dev' });
  await bed.clearRequests();
  await registerTarget(world, takeLook(world.aws, world.stage));
}

const asked = async (action: string): Promise<number> =>
  (await bed.requests()).filter((request) => request.action === action).length;

test('a proxy without a target gets the database, once', async () => {
  await makeProxy();
  await register();
  expect(await asked('RegisterDBProxyTargets')).toBe(1);
  const { Targets } = (await aws('rds', 'DescribeDBProxyTargets', { DBProxyName: 'shop-dev-proxy' })) as {
    Targets: { RdsResourceId: string }[];
  };
  expect(Targets.map(({ RdsResourceId }) => RdsResourceId)).toEqual(['shop-dev-db']);
  await register();
  expect(await asked('RegisterDBProxyTargets')).toBe(0);
});

test('a target that is there already, as Terraform makes it, is waited for until the proxy has logged in', async () => {
  await makeProxy();
  await register();
  await bed.targetHealth('shop-dev-proxy', { State: 'UNAVAILABLE', Reason: 'AUTH_FAILURE' });
  const unhook = await bed.hook({ after: ['rds:DescribeDBProxyTargets'] }, async () => {
    await bed.targetHealth('shop-dev-proxy', null);
    return undefined;
  });
  await register();
  await unhook();
  expect(await asked('DescribeDBProxyTargets')).toBeGreaterThan(1);
  expect(await asked('RegisterDBProxyTargets')).toBe(0);
}, 60_000);

test('a proxy of somebody else is left alone', async () => {
  await makeProxy([]);
  await register();
  expect(await asked('RegisterDBProxyTargets')).toBe(0);
});
