import { describe } from 'vitest';
import { type Aws, at, differs, makeFunction, makeNetwork, text, walk } from './differs.ts';

describe('EC2', () => {
  differs(
    'ec2-zone-description',
    'says that a zone needs no opting in',
    async (aws) => at(await aws('ec2', 'DescribeAvailabilityZones'), 'AvailabilityZones.0.OptInStatus'),
    'opt-in-not-required',
  );

  const rule = (changes: Record<string, unknown>) => ({
    IpPermissions: [{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, ...changes }],
  });

  differs(
    'ec2-group-in-use',
    'by a rule of another group',
    async (aws) => {
      const { vpc, group } = await makeNetwork(aws);
      const other = text(
        await aws('ec2', 'CreateSecurityGroup', { GroupName: 'h', Description: 'h', VpcId: vpc }),
        'GroupId',
      );
      await aws('ec2', 'AuthorizeSecurityGroupIngress', {
        GroupId: other,
        ...rule({ UserIdGroupPairs: [{ GroupId: group }] }),
      });
      return (await aws('ec2', 'DeleteSecurityGroup', { GroupId: group })).error;
    },
    'DependencyViolation',
  );

  differs(
    'ec2-subnet-in-use',
    'by an interface',
    async (aws) => {
      const { subnets } = await makeNetwork(aws);
      await aws('ec2', 'CreateNetworkInterface', { SubnetId: subnets[0] });
      return (await aws('ec2', 'DeleteSubnet', { SubnetId: subnets[0] })).error;
    },
    'DependencyViolation',
  );

  differs(
    'ec2-aws-made-interfaces',
    'cannot be deleted by hand',
    async (aws) => {
      const network = await makeNetwork(aws);
      await makeFunction(aws, {
        VpcConfig: { SubnetIds: network.subnets, SecurityGroupIds: [network.group] },
      });
      const list = await aws('ec2', 'DescribeNetworkInterfaces', {});
      const NetworkInterfaceId = at(list, 'NetworkInterfaces.0.NetworkInterfaceId') ?? 'eni-0';
      return (await aws('ec2', 'DeleteNetworkInterface', { NetworkInterfaceId })).error;
    },
    'InvalidParameterValue',
  );

  differs(
    'ec2-rule-twice',
    'whatever its description',
    async (aws) => {
      const { group: GroupId } = await makeNetwork(aws);
      const add = (Description: string) =>
        aws('ec2', 'AuthorizeSecurityGroupIngress', {
          GroupId,
          ...rule({ UserIdGroupPairs: [{ GroupId, Description }] }),
        });
      await add('one');
      return (await add('other')).error;
    },
    'InvalidPermission.Duplicate',
  );

  differs(
    'ec2-revoke-without-description',
    'takes the rule away',
    async (aws) => {
      const { group: GroupId } = await makeNetwork(aws);
      await aws('ec2', 'AuthorizeSecurityGroupIngress', {
        GroupId,
        ...rule({ UserIdGroupPairs: [{ GroupId, Description: 'x' }] }),
      });
      return (
        await aws('ec2', 'RevokeSecurityGroupIngress', {
          GroupId,
          ...rule({ UserIdGroupPairs: [{ GroupId }] }),
        })
      ).error;
    },
    undefined,
  );

  const makeEndpoint = async (aws: Aws, changes: Record<string, unknown> = {}) => {
    const network = await makeNetwork(aws);
    for (const key of ['EnableDnsSupport', 'EnableDnsHostnames'])
      await aws('ec2', 'ModifyVpcAttribute', { VpcId: network.vpc, [key]: { Value: true } });
    const input = {
      VpcId: network.vpc,
      VpcEndpointType: 'Interface',
      ServiceName: 'com.amazonaws.us-east-1.secretsmanager',
      SubnetIds: network.subnets,
      SecurityGroupIds: [network.group],
      PrivateDnsEnabled: true,
      ...changes,
    };
    return { network, input, made: await aws('ec2', 'CreateVpcEndpoint', input) };
  };

  differs(
    'ec2-endpoint-refusals',
    'an unknown service, private DNS twice or without DNS',
    async (aws) => {
      const { input } = await makeEndpoint(aws);
      const twice = await aws('ec2', 'CreateVpcEndpoint', input);
      const bogus = await aws('ec2', 'CreateVpcEndpoint', {
        ...input,
        ServiceName: 'com.amazonaws.us-east-1.bogus',
      });
      const bare = await makeNetwork(aws);
      const off = await aws('ec2', 'CreateVpcEndpoint', {
        ...input,
        VpcId: bare.vpc,
        SubnetIds: bare.subnets,
      });
      return [twice.error, bogus.error, off.error];
    },
    ['InvalidParameter', 'InvalidServiceName', 'InvalidParameter'],
  );

  differs(
    'ec2-endpoint-groups',
    'its interfaces hold its own group',
    async (aws) => {
      const { network, made } = await makeEndpoint(aws);
      const list = await aws('ec2', 'DescribeNetworkInterfaces', {
        NetworkInterfaceIds: at(made, 'VpcEndpoint.NetworkInterfaceIds'),
      });
      return at(list, 'NetworkInterfaces.0.Groups.0.GroupId') === network.group;
    },
    true,
  );

  differs(
    'ec2-endpoint-removal',
    'its interfaces go a little later',
    async (aws) => {
      const { network, made } = await makeEndpoint(aws);
      await aws('ec2', 'DeleteVpcEndpoints', { VpcEndpointIds: [at(made, 'VpcEndpoint.VpcEndpointId')] });
      const remove = async () => (await aws('ec2', 'DeleteSubnet', { SubnetId: network.subnets[0] })).error;
      return [await remove(), await remove()];
    },
    ['DependencyViolation', undefined],
  );

  differs(
    'states-ec2.vpcEndpoint',
    'pending, available, deleting',
    async (aws) => {
      const { made } = await makeEndpoint(aws);
      const VpcEndpointIds = [at(made, 'VpcEndpoint.VpcEndpointId')];
      const ask = () => aws('ec2', 'DescribeVpcEndpoints', { VpcEndpointIds });
      const states = await walk(ask, 'VpcEndpoints.0.State', 2);
      await aws('ec2', 'DeleteVpcEndpoints', { VpcEndpointIds });
      return [...states, ...(await walk(ask, 'VpcEndpoints.0.State', 1))];
    },
    ['pending', 'available', 'deleting'],
  );

  const makeNat = async (aws: Aws) => {
    const network = await makeNetwork(aws);
    const made = await aws('ec2', 'CreateNatGateway', {
      SubnetId: network.subnets[0],
      ConnectivityType: 'private',
    });
    return { network, id: text(made, 'NatGateway.NatGatewayId') };
  };

  differs(
    'states-ec2.natGateway',
    'pending, available, deleting, deleted',
    async (aws) => {
      const { id } = await makeNat(aws);
      const ask = () => aws('ec2', 'DescribeNatGateways', { NatGatewayIds: [id] });
      const made = await walk(ask, 'NatGateways.0.State', 2);
      await aws('ec2', 'DeleteNatGateway', { NatGatewayId: id });
      return [...made, ...(await walk(ask, 'NatGateways.0.State', 2))];
    },
    ['pending', 'available', 'deleting', 'deleted'],
  );

  differs(
    'ec2-nat-removal',
    'its interface goes with it, a little later',
    async (aws) => {
      const { network, id } = await makeNat(aws);
      await aws('ec2', 'DescribeNatGateways', { NatGatewayIds: [id] });
      await aws('ec2', 'DeleteNatGateway', { NatGatewayId: id });
      const remove = async () => (await aws('ec2', 'DeleteSubnet', { SubnetId: network.subnets[0] })).error;
      return [await remove(), await remove()];
    },
    ['DependencyViolation', undefined],
  );

  differs(
    'ec2-blackhole-route',
    'when its gateway is gone',
    async (aws) => {
      const { network, id } = await makeNat(aws);
      const RouteTableId = text(
        await aws('ec2', 'CreateRouteTable', { VpcId: network.vpc }),
        'RouteTable.RouteTableId',
      );
      await aws('ec2', 'CreateRoute', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: id });
      await aws('ec2', 'DeleteNatGateway', { NatGatewayId: id });
      const table = await aws('ec2', 'DescribeRouteTables', { RouteTableIds: [RouteTableId] });
      return (at(table, 'RouteTables.0.Routes') as { NatGatewayId?: string; State: string }[]).find(
        (one) => one.NatGatewayId,
      )?.State;
    },
    'blackhole',
  );

  for (const [id, noun, list, create] of [
    ['lag-ec2.vpc', 'Vpc', 'Vpcs', { CidrBlock: '10.9.0.0/16' }],
    ['lag-ec2.securityGroup', 'SecurityGroup', 'SecurityGroups', { GroupName: 'l', Description: 'l' }],
  ] as const)
    differs(
      `lag-ec2.${id}`,
      'is not listed at once',
      async (aws, bed) => {
        await aws('ec2', `Describe${list}`);
        await bed.lag({ [id.slice('lag-'.length)]: 1 });
        const count = async () => (at(await aws('ec2', `Describe${list}`), list) as unknown[]).length;
        const before = await count();
        await aws('ec2', `Create${noun}`, create);
        return [(await count()) - before, (await count()) - before];
      },
      [0, 1],
    );

  differs(
    'lag-ec2.subnet',
    'is not found at once',
    async (aws, bed) => {
      const { vpc } = await makeNetwork(aws);
      await bed.lag({ 'ec2.subnet': 1 });
      const made = await aws('ec2', 'CreateSubnet', { VpcId: vpc, CidrBlock: '10.0.9.0/24' });
      const SubnetIds = [at(made, 'Subnet.SubnetId')];
      return walk(() => aws('ec2', 'DescribeSubnets', { SubnetIds }), 'Subnets.0.CidrBlock', 2);
    },
    ['InvalidSubnetID.NotFound', '10.0.9.0/24'],
  );

  differs(
    'lag-rds.subnetGroup',
    'is not found at once, and stays a while',
    async (aws, bed) => {
      const { subnets } = await makeNetwork(aws);
      await bed.lag({ 'rds.subnetGroup': 1 });
      await aws('rds', 'CreateDBSubnetGroup', {
        DBSubnetGroupName: 'sg',
        DBSubnetGroupDescription: 'x',
        SubnetIds: subnets,
      });
      const ask = () => aws('rds', 'DescribeDBSubnetGroups', { DBSubnetGroupName: 'sg' });
      const made = await walk(ask, 'DBSubnetGroups.0.DBSubnetGroupName', 2);
      await aws('rds', 'DeleteDBSubnetGroup', { DBSubnetGroupName: 'sg' });
      return [...made, ...(await walk(ask, 'DBSubnetGroups.0.DBSubnetGroupName', 2))];
    },
    ['DBSubnetGroupNotFoundFault', 'sg', 'sg', 'DBSubnetGroupNotFoundFault'],
  );
});
