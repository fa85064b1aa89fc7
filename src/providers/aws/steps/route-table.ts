import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteTableCommand,
  DisassociateRouteTableCommand,
  type RouteTable,
} from '@aws-sdk/client-ec2';
import type { Look } from '../look.ts';
import type { GatewayHave, NatHave } from './internet.ts';
import type { SubnetHave, VpcHave } from './network-haves.ts';
import { absent, difference, ofResource, tagSpecs } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

interface RouteTableHave {
  readonly tableId: string;
  readonly associations: readonly string[];
}

/** A route table of its own for `subnets`; with `exit`, a default route there. */
export function routeTableStep(
  { aws, stage }: World,
  vpc: AwsStep<VpcHave>,
  resource: string,
  subnets: readonly AwsStep<SubnetHave>[],
  exit?: AwsStep<NatHave> | AwsStep<GatewayHave>,
): AwsStep<RouteTableHave> {
  const { ec2 } = aws.write;
  const findMissing = async (look: Look, table: RouteTable): Promise<string[]> => {
    const joined = new Set(table.Associations?.map(({ SubnetId }) => SubnetId));
    const missing: string[] = [];
    for (const subnet of subnets) {
      const found = await subnet.find(look);
      if (found.state === 'ready' && !joined.has(found.have.subnetId)) missing.push(found.have.subnetId);
    }
    return missing;
  };
  return {
    id: resource,
    title: `route table ${stage.prefix}-${resource}`,
    needs: [vpc, ...subnets, ...(exit === undefined ? [] : [exit])],
    async find(look) {
      const table = ofResource(await look.routeTables(), resource, ({ RouteTableId }) => RouteTableId);
      if (table?.RouteTableId === undefined) return absent;
      const associations = (table.Associations ?? []).flatMap(
        ({ RouteTableAssociationId }) => RouteTableAssociationId ?? [],
      );
      const have = { tableId: table.RouteTableId, associations };
      const missing = await findMissing(look, table);
      const leads = table.Routes?.some(
        ({ DestinationCidrBlock, State }) => DestinationCidrBlock === '0.0.0.0/0' && State !== 'blackhole',
      );
      const differences = [
        ...(missing.length === 0 ? [] : [difference('Associations', 'missing', missing.join(), true)]),
        ...(exit === undefined || leads ? [] : [difference('Routes', 'none', '0.0.0.0/0', true)]),
      ];
      return differences.length > 0 ? { state: 'drifted', have, differences } : { state: 'ready', have };
    },
    async create(haves) {
      await ec2.send(
        new CreateRouteTableCommand({
          VpcId: haves.get(vpc).vpcId,
          TagSpecifications: tagSpecs(stage, 'route-table', resource),
        }),
      );
    },
    async update({ tableId }, haves, differences) {
      const missing = differences.find(({ property }) => property === 'Associations')?.want.split(',') ?? [];
      for (const SubnetId of missing) {
        await ec2.send(new AssociateRouteTableCommand({ RouteTableId: tableId, SubnetId }));
      }
      if (exit !== undefined && differences.some(({ property }) => property === 'Routes')) {
        await ec2.send(
          new CreateRouteCommand({
            RouteTableId: tableId,
            DestinationCidrBlock: '0.0.0.0/0',
            ...targetOf(haves.get(exit as AwsStep<NatHave | GatewayHave>)),
          }),
        );
      }
    },
    async remove({ tableId, associations }) {
      for (const AssociationId of associations) {
        await ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
      }
      await ec2.send(new DeleteRouteTableCommand({ RouteTableId: tableId }));
    },
  };
}

const targetOf = (exit: NatHave | GatewayHave) =>
  'natId' in exit ? { NatGatewayId: exit.natId } : { GatewayId: exit.gatewayId };
