import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { aliasVersion, type DeployBed, defaultFunctions, routesOf, startDeployBed } from './deploy-bed.ts';

/** All that a first deployment changes on AWS. */
const effects = [
  ...['iam:CreateRole', 'iam:PutRolePolicy', 'logs:CreateLogGroup', 'logs:PutRetentionPolicy'],
  ...[
    'lambda:CreateFunction',
    'lambda:PutFunctionConcurrency',
    'lambda:PublishVersion',
    'lambda:CreateAlias',
  ],
  ...['lambda:AddPermission', 'apigatewayv2:CreateApi', 'apigatewayv2:CreateStage'],
  ...['apigatewayv2:CreateIntegration', 'apigatewayv2:CreateRoute', 'events:PutRule', 'events:PutTargets'],
];

const child = fileURLToPath(new URL('./deploy-child.ts', import.meta.url));

/** Deploys in another process and kills it as soon as `effect` has happened, before it hears of it. */
async function deployAndKill({ bed, input }: DeployBed, effect: string): Promise<void> {
  const process_ = spawn(process.execPath, ['--import', 'tsx', child, JSON.stringify(input)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...bed.environment, NODE_NO_WARNINGS: '1' },
  });
  const unhook = await bed.hook({ after: [effect] }, () => {
    process_.kill('SIGKILL');
    return undefined;
  });
  const [code, signal] = (await once(process_, 'exit')) as [number | null, string | null];
  await unhook();
  expect([code, signal]).toEqual([null, 'SIGKILL']);
}

/** The world is as one undisturbed deployment leaves it, and each thing was created once for each function. */
async function verifyDeployed(deployed: DeployBed): Promise<void> {
  expect(await routesOf(deployed)).toEqual({ keys: ['ANY /books/{proxy+}', 'GET /health'], integrations: 1 });
  const creates = (await deployed.bed.requests())
    .filter(({ action, status }) => /^Create(Function|Role|Api|Alias|LogGroup)$/.test(action) && status !== 0)
    .filter(({ status = 0 }) => status < 300)
    .map(
      ({ action, input }) =>
        `${action} ${input.FunctionName ?? input.RoleName ?? input.logGroupName ?? input.Name}`,
    );
  expect(creates.sort()).toEqual([...new Set(creates)].sort());
  expect((await deployed.plan()).shown.changes).toBe(0);
}

describe.each(effects)('a deployment that is killed after %s', (effect) => {
  test('is completed by the next one', { timeout: 120_000 }, async () => {
    const deployed = await startDeployBed();
    await deployAndKill(deployed, effect);
    const { functions, health } = await deployed.deploy();
    expect([functions.map(({ version }) => version), health?.status]).toEqual([['1', '1'], 200]);
    await verifyDeployed(deployed);
  });
});

const changed = { ...defaultFunctions, api: { ...defaultFunctions.api, memoryMb: 512 } };

describe.each(['UpdateFunctionConfiguration', 'UpdateFunctionCode', 'PublishVersion', 'UpdateAlias'])(
  'a second deployment that is killed after %s',
  (action) => {
    test('is completed by the next one, with one new version', { timeout: 120_000 }, async () => {
      const deployed = await startDeployBed();
      await deployed.deploy();
      await deployed.change({ functions: changed, sources: { 'src/api.ts': 'two' } });
      await deployAndKill(deployed, `lambda:${action}`);
      await deployed.deploy();
      expect([await aliasVersion(deployed), await aliasVersion(deployed, 'overdue')]).toEqual(['2', '1']);
      await verifyDeployed(deployed);
    });
  },
);

describe.each([
  ...[
    'events:RemoveTargets',
    'events:DeleteRule',
    'lambda:DeleteFunction',
    'iam:DeleteRolePolicy',
    'iam:DeleteRole',
  ],
])('a removal that is killed after %s', (effect) => {
  test('is completed by the next one', { timeout: 120_000 }, async () => {
    const deployed = await startDeployBed();
    await deployed.deploy();
    await deployed.change({ functions: { api: defaultFunctions.api } });
    await deployAndKill(deployed, effect);
    await deployed.deploy();
    await verifyDeployed(deployed);
    const { Roles } = await deployed.bed.aws<{ Roles: { RoleName: string }[] }>({
      ...{ service: 'iam', action: 'ListRoles' },
    });
    expect(Roles.map(({ RoleName }) => RoleName)).toEqual(['my-api-dev-api']);
  });
});

test('two deployments at once are one after the other', { timeout: 120_000 }, async () => {
  const deployed = await startDeployBed();
  const [a, b] = await Promise.all([deployed.deploy(), deployed.deploy()]);
  expect([a.created.length, b.created.length].sort((x, y) => x - y)[0]).toBe(0);
  await verifyDeployed(deployed);
});

test('answers that are all lost after their effect make nothing twice', { timeout: 120_000 }, async () => {
  const deployed = await startDeployBed();
  for (const effect of effects) {
    const [service = '', action = ''] = effect.split(':');
    await deployed.bed.fault({ service, action, kind: 'drop-after' });
  }
  await deployed.deploy();
  expect((await deployed.bed.faults()).filter(({ hits }) => hits !== 1)).toEqual([]);
  expect(await routesOf(deployed)).toEqual({ keys: ['ANY /books/{proxy+}', 'GET /health'], integrations: 1 });
  expect((await deployed.plan()).shown.changes).toBe(0);
});

test('throttling and 5xx on every effect are endured', { timeout: 180_000 }, async () => {
  const deployed = await startDeployBed();
  for (const effect of effects) {
    const [service = '', action = ''] = effect.split(':');
    await deployed.bed.fault({ service, action, kind: 'throttling' });
    await deployed.bed.fault({ service, action, kind: 'server-error' });
  }
  await deployed.deploy();
  await verifyDeployed(deployed);
});
