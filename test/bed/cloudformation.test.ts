import { describe } from 'vitest';
import { type Aws, at, differs } from './differs.ts';

const settled = async (aws: Aws, name: string): Promise<unknown> => {
  for (;;) {
    const status = at(
      await aws('cloudformation', 'DescribeStacks', { StackName: name }),
      'Stacks.0.StackStatus',
    );
    if (!String(status).endsWith('_IN_PROGRESS')) return status;
  }
};

describe('CloudFormation', () => {
  differs(
    'cloudformation',
    'every resource of the template stands, as its service made it',
    async (aws) => {
      const Resources = {
        Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { GenerateSecretString: {} } },
        Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'a', ProtocolType: 'HTTP' } },
      };
      await aws('cloudformation', 'CreateStack', {
        StackName: 's',
        TemplateBody: JSON.stringify({ Resources }),
      });
      const status = await settled(aws, 's');
      const listed = await aws('cloudformation', 'ListStackResources', { StackName: 's' });
      const names = (listed.StackResourceSummaries as { LogicalResourceId: string }[]).map(
        (one) => one.LogicalResourceId,
      );
      return [status, names.sort()];
    },
    ['CREATE_COMPLETE', ['Api', 'Secret']],
  );
});
