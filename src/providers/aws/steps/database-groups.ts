import {
  CreateDBClusterParameterGroupCommand,
  CreateDBParameterGroupCommand,
  CreateDBSubnetGroupCommand,
  DeleteDBClusterParameterGroupCommand,
  DeleteDBParameterGroupCommand,
  DeleteDBSubnetGroupCommand,
  DescribeDBClusterParameterGroupsCommand,
  DescribeDBClusterParametersCommand,
  DescribeDBParameterGroupsCommand,
  DescribeDBParametersCommand,
  DescribeDBSubnetGroupsCommand,
  ModifyDBClusterParameterGroupCommand,
  ModifyDBParameterGroupCommand,
  type Parameter,
} from '@aws-sdk/client-rds';
import { unlessGone } from '../judge.ts';
import type { Look } from '../look.ts';
import { isOurs, nameOf, notOurs, type Stage, tagsOf } from '../stage.ts';
import type { SubnetHave } from './network-haves.ts';
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

export interface NameHave {
  readonly name: string;
}

/** Whether an RDS resource carries the stage's tags. */
export async function isOurRds(look: Look, stage: Stage, arn = ''): Promise<boolean> {
  return isOurs(stage, await look.rdsTags(arn));
}

export function subnetGroupStep(world: World, subnets: readonly AwsStep<SubnetHave>[]): AwsStep<NameHave> {
  const { aws, stage } = world;
  const name = nameOf(stage, 'db');
  return {
    id: 'db-subnet-group',
    title: `DB subnet group ${name}`,
    needs: subnets,
    async find(look) {
      const answer = await unlessGone(
        aws.read.rds.send(new DescribeDBSubnetGroupsCommand({ DBSubnetGroupName: name })),
      );
      const group = answer?.DBSubnetGroups?.[0];
      if (group === undefined) return absent;
      if (!(await isOurRds(look, stage, group.DBSubnetGroupArn)))
        return { state: 'foreign', why: notOurs(name) };
      return { state: 'ready', have: { name } };
    },
    async create(haves) {
      await aws.write.rds.send(
        new CreateDBSubnetGroupCommand({
          DBSubnetGroupName: name,
          DBSubnetGroupDescription: `lambdapg: ${stage.prefix}`,
          SubnetIds: subnets.map((subnet) => haves.get(subnet).subnetId),
          Tags: tagsOf(stage, 'db'),
        }),
      );
    },
    async remove() {
      await aws.write.rds.send(new DeleteDBSubnetGroupCommand({ DBSubnetGroupName: name }));
    },
  };
}

/** Refuse connections without TLS; the default of PostgreSQL 15 and later on RDS, said aloud. */
const forceSsl: Parameter = { ParameterName: 'rds.force_ssl', ParameterValue: '1', ApplyMethod: 'immediate' };

/** The parameter group of the instance, or of the cluster on Aurora. */
export function parameterGroupStep(world: World): AwsStep<NameHave> {
  const { stage } = world;
  const aurora = stage.cloud.database.kind === 'aurora';
  const name = nameOf(stage, `pg${stage.config.postgres.version}`);
  const family = `${aurora ? 'aurora-postgresql' : 'postgres'}${stage.config.postgres.version}`;
  const api = aurora ? clusterGroupApi(world, name) : instanceGroupApi(world, name);
  return {
    id: aurora ? 'db-cluster-parameter-group' : 'db-parameter-group',
    title: `parameter group ${name} (${family})`,
    needs: [],
    async find(look) {
      const arn = await unlessGone(api.findArn());
      if (arn === undefined) return absent;
      const [ours, parameters] = await Promise.all([isOurRds(look, stage, arn), api.parameters()]);
      if (!ours) return { state: 'foreign', why: notOurs(name) };
      const value = parameters.find(({ ParameterName }) => ParameterName === 'rds.force_ssl')?.ParameterValue;
      const have = { name };
      if (value === '1') return { state: 'ready', have };
      return {
        state: 'drifted',
        have,
        differences: [difference('rds.force_ssl', value ?? 'default', '1', true)],
      };
    },
    async create() {
      await api.create(family, `lambdapg: ${stage.prefix}`);
    },
    async update() {
      await api.modify();
    },
    async remove() {
      await api.remove();
    },
  };
}

interface GroupApi {
  findArn(): Promise<string | undefined>;
  parameters(): Promise<readonly Parameter[]>;
  create(family: string, description: string): Promise<unknown>;
  modify(): Promise<unknown>;
  remove(): Promise<unknown>;
}

function instanceGroupApi({ aws, stage }: World, name: string): GroupApi {
  const { read, write } = aws;
  const DBParameterGroupName = name;
  return {
    findArn: async () =>
      (await read.rds.send(new DescribeDBParameterGroupsCommand({ DBParameterGroupName })))
        .DBParameterGroups?.[0]?.DBParameterGroupArn,
    parameters: async () =>
      (await read.rds.send(new DescribeDBParametersCommand({ DBParameterGroupName, Source: 'user' })))
        .Parameters ?? [],
    create: (DBParameterGroupFamily, Description) =>
      write.rds.send(
        new CreateDBParameterGroupCommand({
          ...{ DBParameterGroupName, DBParameterGroupFamily, Description },
          Tags: tagsOf(stage, 'db'),
        }),
      ),
    modify: () =>
      write.rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName, Parameters: [forceSsl] })),
    remove: () => write.rds.send(new DeleteDBParameterGroupCommand({ DBParameterGroupName })),
  };
}

function clusterGroupApi({ aws, stage }: World, name: string): GroupApi {
  const { read, write } = aws;
  const DBClusterParameterGroupName = name;
  return {
    findArn: async () =>
      (await read.rds.send(new DescribeDBClusterParameterGroupsCommand({ DBClusterParameterGroupName })))
        .DBClusterParameterGroups?.[0]?.DBClusterParameterGroupArn,
    parameters: async () =>
      (
        await read.rds.send(
          new DescribeDBClusterParametersCommand({ DBClusterParameterGroupName, Source: 'user' }),
        )
      ).Parameters ?? [],
    create: (DBParameterGroupFamily, Description) =>
      write.rds.send(
        new CreateDBClusterParameterGroupCommand({
          ...{ DBClusterParameterGroupName, DBParameterGroupFamily, Description },
          Tags: tagsOf(stage, 'db'),
        }),
      ),
    modify: () =>
      write.rds.send(
        new ModifyDBClusterParameterGroupCommand({ DBClusterParameterGroupName, Parameters: [forceSsl] }),
      ),
    remove: () => write.rds.send(new DeleteDBClusterParameterGroupCommand({ DBClusterParameterGroupName })),
  };
}
