import { describe } from 'vitest';
import { type Aws, at, differs, instanceInput, makeNetwork, proxyInput, walk } from './differs.ts';

/** Until it is available. */
async function ready(aws: Aws, action: string, input: Record<string, unknown>): Promise<void> {
  await aws('rds', action, input);
  await aws('rds', action, input);
}

async function makeInstance(aws: Aws, changes: Record<string, unknown> = {}): Promise<void> {
  await aws('rds', 'CreateDBInstance', instanceInput(changes));
  await ready(aws, 'DescribeDBInstances', { DBInstanceIdentifier: 'db1' });
}

async function makeProxy(aws: Aws, changes: Record<string, unknown> = {}): Promise<void> {
  const network = await makeNetwork(aws);
  await aws('rds', 'CreateDBProxy', proxyInput(network, changes));
  await ready(aws, 'DescribeDBProxies', { DBProxyName: 'p1' });
}

describe('proxies', () => {
  const describeProxy = (aws: Aws) => () => aws('rds', 'DescribeDBProxies', { DBProxyName: 'p1' });

  differs(
    'states-rds.proxy',
    'creating, available, deleting, gone',
    async (aws) => {
      await aws('rds', 'CreateDBProxy', proxyInput(await makeNetwork(aws)));
      const created = await walk(describeProxy(aws), 'DBProxies.0.Status', 2);
      await aws('rds', 'DeleteDBProxy', { DBProxyName: 'p1' });
      return [...created, ...(await walk(describeProxy(aws), 'DBProxies.0.Status', 2))];
    },
    ['creating', 'available', 'deleting', 'DBProxyNotFoundFault'],
  );

  differs(
    'proxy-default-auth-scheme',
    'a proxy without any secret; neither scheme nor secret is refused',
    async (aws) => {
      const network = await makeNetwork(aws);
      const none = await aws('rds', 'CreateDBProxy', proxyInput(network, { Auth: undefined }));
      const iam = await aws(
        'rds',
        'CreateDBProxy',
        proxyInput(network, { Auth: undefined, DefaultAuthScheme: 'IAM_AUTH' }),
      );
      return [none.error, at(iam, 'DBProxy.DefaultAuthScheme'), at(iam, 'DBProxy.Auth')];
    },
    ['InvalidParameterCombination', 'IAM_AUTH', []],
  );

  differs(
    'proxy-description',
    'says RequireTLS and the defaults of its secrets',
    async (aws) => {
      await makeProxy(aws);
      const proxy = await describeProxy(aws)();
      return [at(proxy, 'DBProxies.0.RequireTLS'), at(proxy, 'DBProxies.0.Auth.0.ClientPasswordAuthType')];
    },
    [false, 'POSTGRES_SCRAM_SHA_256'],
  );

  differs(
    'proxy-modify',
    'changes timeout, TLS and groups',
    async (aws) => {
      await makeProxy(aws);
      await aws('rds', 'ModifyDBProxy', { DBProxyName: 'p1', RequireTLS: true, IdleClientTimeout: 60 });
      const seen = await walk(describeProxy(aws), 'DBProxies.0.Status', 2);
      const proxy = await describeProxy(aws)();
      return [...seen, at(proxy, 'DBProxies.0.RequireTLS'), at(proxy, 'DBProxies.0.IdleClientTimeout')];
    },
    ['modifying', 'available', true, 60],
  );

  differs(
    'proxy-delete',
    'of one that is not there is an error, not a crash',
    async (aws) => (await aws('rds', 'DeleteDBProxy', { DBProxyName: 'none' })).error,
    'DBProxyNotFoundFault',
  );

  differs(
    'proxy-network-interfaces',
    'hold the subnets',
    async (aws) => {
      const network = await makeNetwork(aws);
      await aws('rds', 'CreateDBProxy', proxyInput(network));
      return (await aws('ec2', 'DeleteSubnet', { SubnetId: network.subnets[0] })).error;
    },
    'DependencyViolation',
  );

  const registered = async (aws: Aws) => {
    await makeInstance(aws);
    await makeProxy(aws);
    return aws('rds', 'RegisterDBProxyTargets', { DBProxyName: 'p1', DBInstanceIdentifiers: ['db1'] });
  };

  differs(
    'proxy-target-registration',
    'unknown proxy and instance, twice',
    async (aws) => {
      await registered(aws);
      const register = async (DBProxyName: string, DBInstanceIdentifiers: string[]) =>
        (await aws('rds', 'RegisterDBProxyTargets', { DBProxyName, DBInstanceIdentifiers })).error;
      return [await register('none', ['db1']), await register('p1', ['none']), await register('p1', ['db1'])];
    },
    ['DBProxyNotFoundFault', 'DBInstanceNotFound', 'DBProxyTargetAlreadyRegisteredFault'],
  );

  differs(
    'proxy-target-description',
    'registering, available with address and role, unavailable with a reason',
    async (aws, bed) => {
      await registered(aws);
      const ask = () => aws('rds', 'DescribeDBProxyTargets', { DBProxyName: 'p1' });
      const states = await walk(ask, 'Targets.0.TargetHealth.State', 2);
      const target = await ask();
      await bed.targetHealth('p1', { State: 'UNAVAILABLE', Reason: 'AUTH_FAILURE' });
      const ill = await ask();
      const address = String(at(target, 'Targets.0.Endpoint')).split('.')[0];
      return [...states, address, at(target, 'Targets.0.Role'), at(ill, 'Targets.0.TargetHealth.Reason')];
    },
    ['REGISTERING', 'AVAILABLE', 'db1', 'READ_WRITE', 'AUTH_FAILURE'],
  );

  differs(
    'proxy-target-removal',
    'of a target that is not there is refused',
    async (aws) => {
      await makeProxy(aws);
      return (
        await aws('rds', 'DeregisterDBProxyTargets', { DBProxyName: 'p1', DBInstanceIdentifiers: ['db1'] })
      ).error;
    },
    'DBProxyTargetNotFoundFault',
  );

  differs(
    'proxy-target-group',
    'keeps the init query, refuses 600 % and filters that PostgreSQL has not',
    async (aws) => {
      await makeProxy(aws);
      const modify = (ConnectionPoolConfig: Record<string, unknown>) =>
        aws('rds', 'ModifyDBProxyTargetGroup', {
          DBProxyName: 'p1',
          TargetGroupName: 'default',
          ConnectionPoolConfig,
        });
      const kept = await modify({ InitQuery: 'SET x=1', MaxConnectionsPercent: 90 });
      const much = await modify({ MaxConnectionsPercent: 600 });
      const filters = await modify({ SessionPinningFilters: ['EXCLUDE_VARIABLE_SETS'] });
      return [at(kept, 'DBProxyTargetGroup.ConnectionPoolConfig.InitQuery'), much.error, filters.error];
    },
    ['SET x=1', 'InvalidParameterValue', 'InvalidParameterValue'],
  );

  const endpointInput = { DBProxyName: 'p1', DBProxyEndpointName: 'e1' };
  const makeEndpoint = async (aws: Aws, changes: Record<string, unknown> = {}) => {
    const network = await makeNetwork(aws);
    return aws('rds', 'CreateDBProxyEndpoint', {
      ...endpointInput,
      VpcSubnetIds: network.subnets,
      ...changes,
    });
  };

  differs(
    'proxy-endpoint',
    'is made, described, changed, deleted; none that only reads in front of an instance',
    async (aws) => {
      await registered(aws);
      const reads = await makeEndpoint(aws, { TargetRole: 'READ_ONLY' });
      const made = await makeEndpoint(aws);
      await ready(aws, 'DescribeDBProxyEndpoints', { DBProxyEndpointName: 'e1' });
      const all = await aws('rds', 'DescribeDBProxyEndpoints', { DBProxyName: 'p1' });
      const changed = await aws('rds', 'ModifyDBProxyEndpoint', {
        DBProxyEndpointName: 'e1',
        VpcSecurityGroupIds: [],
      });
      const names = (all.DBProxyEndpoints as { DBProxyEndpointName: string }[]).map(
        (one) => one.DBProxyEndpointName,
      );
      const missing = await aws('rds', 'DeleteDBProxyEndpoint', { DBProxyEndpointName: 'none' });
      return [reads.error, at(made, 'DBProxyEndpoint.TargetRole'), names, changed.error, missing.error];
    },
    [
      'InvalidParameterCombination',
      'READ_WRITE',
      ['default', 'e1'],
      undefined,
      'DBProxyEndpointNotFoundFault',
    ],
  );

  differs(
    'states-rds.proxyEndpoint',
    'creating, available, deleting, gone',
    async (aws) => {
      await makeProxy(aws);
      await makeEndpoint(aws);
      const ask = () => aws('rds', 'DescribeDBProxyEndpoints', { DBProxyEndpointName: 'e1' });
      const created = await walk(ask, 'DBProxyEndpoints.0.Status', 2);
      await aws('rds', 'DeleteDBProxyEndpoint', { DBProxyEndpointName: 'e1' });
      return [...created, ...(await walk(ask, 'DBProxyEndpoints.0.Status', 2))];
    },
    ['creating', 'available', 'deleting', 'DBProxyEndpointNotFoundFault'],
  );
});
