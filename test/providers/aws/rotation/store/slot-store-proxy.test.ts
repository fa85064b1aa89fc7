import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateDBProxyCommand,
  type CreateDBProxyCommandInput,
  RDSClient,
  RegisterDBProxyTargetsCommand,
} from '@aws-sdk/client-rds';
import { expect, onTestFinished, test } from 'vitest';
import { withClient } from '../../../../../src/database/with-client.ts';
import type { OpenWorld } from '../../../../../src/providers/aws/open-world.ts';
import { policyFor } from '../../../../../src/providers/aws/permissions/policy.ts';
import { rotationEndpoints } from '../../../../../src/providers/aws/rotation/endpoints.ts';
import { withProxyHealth } from '../../../../../src/providers/aws/rotation/endpoints-health.ts';
import { slotStores } from '../../../../../src/providers/aws/rotation/store/slot-store.ts';
import { secretStore } from '../../../../../src/providers/aws/rotation/store/store.ts';
import { createLogins } from '../../../../../src/providers/aws/steps/logins.ts';
import { openRotationDatabase } from '../../../../../src/rotation/database.ts';
import type { Wish } from '../../../../../src/rotation/decide/decision.ts';
import { memoryJournal } from '../../../../../src/rotation/journal.ts';
import type { RotationParts } from '../../../../../src/rotation/parts.ts';
import type { RotationReport } from '../../../../../src/rotation/report.ts';
import { rotate } from '../../../../../src/rotation/rotate.ts';
import { Secret } from '../../../../../src/secret.ts';
import { type DataPlane, startDataPlane } from '../../../../bed/data-plane/data-plane.ts';
import { awsOf, makeNetwork, proxyInput } from '../../../../bed/differs.ts';
import { clientOptions } from '../../../../bed/sdk.ts';
import { coveredBy } from '../../permissions/covered-by.ts';
import { type StageBed, startStageBed } from '../endpoints-world.ts';

/** A database with the roles of the house behind a proxy that reads both slots. */
async function startProxyStage(): Promise<{ stage: StageBed; plane: DataPlane; world: OpenWorld }> {
  const stage = await startStageBed();
  const plane = await startDataPlane(stage.bed, { checksNetwork: false });
  onTestFinished(() => plane.stop());
  await stage.makeInstance();
  const login = (user: string, password: string) =>
    JSON.stringify({ username: user, password, engine: 'postgres' });
  const make = (name: string, SecretString: string) =>
    stage.ask<{ ARN: string }>('secretsmanager', 'CreateSecret', { Name: `shop-dev/${name}`, SecretString });
  await make('active', login('shop_a', 'first-a'));
  const slots = [
    await make('slot-a', login('shop_a', 'first-a')),
    await make('slot-b', login('shop_b', 'first-b')),
  ];
  const world = await stage.world({ proxy: {} }, { ...plane.environment });
  await createLogins(world, await world.openDatabase(await stage.have(world)));
  const iam = new IAMClient(clientOptions(stage.bed));
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: 'proxy', AssumeRolePolicyDocument: '{}' }),
  );
  const Statement = [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutRolePolicyCommand({ RoleName: 'proxy', PolicyName: 'read', PolicyDocument }));
  const rds = new RDSClient(clientOptions(stage.bed));
  const input = proxyInput(await makeNetwork(awsOf(stage.bed, false)), {
    ...{ DBProxyName: 'shop-dev-proxy', RoleArn: Role?.Arn },
    Auth: slots.map(({ ARN }) => ({ AuthScheme: 'SECRETS', SecretArn: ARN, IAMAuth: 'DISABLED' })),
  });
  await rds.send(new CreateDBProxyCommand(input as unknown as CreateDBProxyCommandInput));
  const DBInstanceIdentifiers = ['shop-dev-db'];
  await rds.send(new RegisterDBProxyTargetsCommand({ DBProxyName: 'shop-dev-proxy', DBInstanceIdentifiers }));
  return { stage, plane, world };
}

/** What `rotate-creds` puts together, without functions. */
async function rotateThrough(stage: StageBed, plane: DataPlane, world: OpenWorld): Promise<RotationReport> {
  const have = await stage.have(world);
  const { endpoints, proxyEndpoints, proxy } = await rotationEndpoints(world, have);
  if (proxy === undefined) throw new Error('there is no proxy');
  const id = 'shop-dev';
  const open = openRotationDatabase(world.context, await world.openDatabase(have), {
    ...{ id, endpoints, expectedRole: 'shop_app' },
    // The authority that stands for the public ones is not known to this process.
    proxyEndpoints: proxyEndpoints.map(({ title, target }) => ({
      ...{ title, target: { ...target, tls: { ca: plane.ca } } },
    })),
  });
  const database = withProxyHealth(world.aws, 'shop-dev-proxy', open);
  const parts: RotationParts = {
    ...{ id, store: secretStore(world.aws, 'shop-dev/active'), slots: { a: 'shop_a', b: 'shop_b' } },
    ...{ slotStores: await slotStores(world, proxy), database, consumers: [] },
  };
  const wish: Wish = {
    strategy: 'slots',
    start: randomUUID(),
    rollback: false,
    repair: false,
    acceptWindow: false,
    canary: [100],
    retire: 'scramble',
    terminate: 'none',
    // A client may stand between the pointer that it has read and its login.
    drainMs: 5_000,
  };
  const options = { journal: memoryJournal(), pollMs: 50, proxy: { successes: 3, overMs: 200 } };
  return database.withLease(() => rotate(world.context, parts, wish, options));
}

/** Logs in through the proxy all the time, with what the pointer says. @returns what went wrong */
function startClients(
  stage: StageBed,
  plane: DataPlane,
  host: string,
): () => Promise<{ logins: number; failed: string[] }> {
  const seen = { logins: 0, failed: [] as string[] };
  let goesOn = true;
  const work = (async () => {
    while (goesOn) {
      const { SecretString = '{}' } = await stage.ask<{ SecretString?: string }>(
        'secretsmanager',
        'GetSecretValue',
        {
          SecretId: 'shop-dev/active',
        },
      );
      const { username: user = '', password = '' } = JSON.parse(SecretString) as Record<string, string>;
      const place = plane.findHost(host) ?? { host, port: 5432 };
      const tls = { ca: plane.ca, name: host };
      const target = { ...place, database: 'shop', user, password: new Secret(password), tls };
      seen.logins += 1;
      await withClient(target, { applicationName: 'client' }, (client) => client.query('SELECT 1')).catch(
        (error: unknown) => seen.failed.push(String(error)),
      );
      await sleep(20);
    }
  })();
  return async () => {
    goesOn = false;
    await work;
    return seen;
  };
}

test('through a proxy that is slow to see a changed secret, to the other slot and back', async () => {
  const { stage, plane, world } = await startProxyStage();
  const { proxyEndpoints } = await rotationEndpoints(world, await stage.have(world));
  const stop = startClients(stage, plane, proxyEndpoints[0]?.target.host ?? '');
  plane.proxies.secretMemory.ageMs = 500;
  await stage.bed.clearRequests();
  const first = await rotateThrough(stage, plane, world);
  expect(first).toMatchObject({ outcome: 'closed', previousUser: 'shop_a', currentUser: 'shop_b' });
  const second = await rotateThrough(stage, plane, world);
  expect(second).toMatchObject({ outcome: 'closed', previousUser: 'shop_b', currentUser: 'shop_a' });
  const { logins, failed } = await stop();
  expect(failed).toEqual([]);
  expect(logins).toBeGreaterThan(20);
  const target = {
    project: 'shop',
    stage: 'dev',
    account: stage.bed.account,
    region: 'us-east-1',
    partition: 'aws',
  };
  expect(await coveredBy(policyFor(['rotate'], target), await stage.bed.requests(), target)).toEqual([]);
}, 120_000);
