import {
  type Api,
  CreateApiCommand,
  CreateStageCommand,
  DeleteApiCommand,
  GetStageCommand,
  UpdateStageCommand,
} from '@aws-sdk/client-apigatewayv2';
import { unlessGone } from '../judge.ts';
import { isOurs, nameOf, tagMapOf } from '../stage.ts';
import { absent, difference } from '../steps/tagged.ts';
import type { AwsStep, World } from '../steps/world.ts';
import { findOnce } from './needs.ts';

export interface ApiHave {
  readonly apiId: string;
  /** `https://….execute-api.….amazonaws.com` */
  readonly url: string;
}

const resource = 'http-api';

/** The HTTP API of all functions that have routes. Names of APIs are not unique: the tags decide. */
export function apiStep({ aws, stage }: World): AwsStep<ApiHave> {
  const { apigateway } = aws.write;
  const isThis = ({ Tags }: Api): boolean => isOurs(stage, Tags) && Tags?.['lambdapg:resource'] === resource;
  return {
    id: 'http-api',
    title: `HTTP API ${stage.prefix}`,
    needs: [],
    async find(look) {
      // Of several (an answer was lost) always the same one.
      const [api] = (await look.apis())
        .filter(isThis)
        .sort((a, b) => ((a.ApiId ?? '') < (b.ApiId ?? '') ? -1 : 1));
      if (api?.ApiId === undefined) return absent;
      return { state: 'ready', have: { apiId: api.ApiId, url: api.ApiEndpoint ?? '' } };
    },
    async create() {
      await apigateway.send(
        new CreateApiCommand({
          Name: stage.prefix,
          ProtocolType: 'HTTP',
          Description: `lambdapg: HTTP API of ${stage.prefix}`,
          Tags: { ...tagMapOf(stage, resource), Name: nameOf(stage, resource) },
        }),
      );
    },
    async remove({ apiId }) {
      await apigateway.send(new DeleteApiCommand({ ApiId: apiId }));
    },
  };
}

/** What serves the API at its plain URL, every change at once. It goes with the API. */
export function apiStageStep({ aws, stage }: World, api: AwsStep<ApiHave>): AwsStep<null> {
  const { apigateway } = aws.write;
  const StageName = '$default';
  return {
    id: 'http-stage',
    title: `stage ${StageName} of the HTTP API`,
    needs: [api],
    async find(look) {
      const found = await findOnce(look, api);
      if (found.state !== 'ready') return absent;
      const named = { ApiId: found.have.apiId, StageName };
      const served = await unlessGone(aws.read.apigateway.send(new GetStageCommand(named)));
      if (served === undefined) return absent;
      if (served.AutoDeploy === true) return { state: 'ready', have: null };
      return {
        state: 'drifted',
        have: null,
        differences: [difference('AutoDeploy', 'false', 'true', true)],
      };
    },
    async create(haves) {
      const { apiId } = haves.get(api);
      const Tags = tagMapOf(stage, 'http-stage');
      await apigateway.send(new CreateStageCommand({ ApiId: apiId, StageName, AutoDeploy: true, Tags }));
    },
    async update(_have, haves) {
      const { apiId } = haves.get(api);
      await apigateway.send(new UpdateStageCommand({ ApiId: apiId, StageName, AutoDeploy: true }));
    },
  };
}
