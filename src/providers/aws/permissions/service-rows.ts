import { extra, type Grants, type Rows, rowsOn } from './grant.ts';

/** API Gateway's actions are HTTP methods on its resources. */
const http = (method: string): Grants => [{ action: `apigateway:${method}`, scopes: ['httpApi'] }];

const apiGuide = 'https://docs.aws.amazon.com/apigateway/latest/developerguide';

const httpRows: Rows = {
  'apigatewayv2:CreateApi': [
    ...http('POST'),
    extra(
      'apigateway:PUT',
      ['httpApi'],
      'tags are given at creation',
      `${apiGuide}/apigateway-tagging-control-access.html`,
    ),
  ],
  ...Object.fromEntries(
    ['CreateIntegration', 'CreateRoute', 'CreateStage'].map((name) => [`apigatewayv2:${name}`, http('POST')]),
  ),
  ...Object.fromEntries(
    ['GetApis', 'GetIntegrations', 'GetRoutes', 'GetStage', 'GetStages'].map((name) => [
      `apigatewayv2:${name}`,
      http('GET'),
    ]),
  ),
  ...Object.fromEntries(
    ['UpdateIntegration', 'UpdateRoute', 'UpdateStage'].map((name) => [
      `apigatewayv2:${name}`,
      http('PATCH'),
    ]),
  ),
  ...Object.fromEntries(
    ['DeleteApi', 'DeleteIntegration', 'DeleteRoute'].map((name) => [`apigatewayv2:${name}`, http('DELETE')]),
  ),
};

const tagRule = extra(
  'events:TagResource',
  ['rule'],
  'tags are given at creation',
  'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html',
);

/** HTTP APIs, schedules, the lock of a run, prices, and who is calling. */
export const serviceRows: Rows = {
  ...httpRows,
  ...rowsOn(['rule'], ['events:PutRule'], [tagRule]),
  ...rowsOn(
    ['rule'],
    [
      'events:DeleteRule',
      'events:DescribeRule',
      'events:ListTagsForResource',
      'events:ListTargetsByRule',
      'events:PutTargets',
      'events:RemoveTargets',
    ],
  ),
  ...rowsOn(
    ['lock'],
    ['ssm:DeleteParameter', 'ssm:GetParameter', 'ssm:GetParametersByPath', 'ssm:PutParameter'],
  ),
  ...rowsOn(['anything'], ['pricing:GetProducts', 'sts:GetCallerIdentity']),
};
