import { extra, type Grants, type Rows, rowsOn } from './grant.ts';

/** API Gateway's actions are HTTP methods on its resources. */
const http = (method: string): Grants => [{ action: `apigateway:${method}`, scopes: ['httpApi'] }];

/**
 * Neither AWS's reference nor its Access Analyzer knows `apigateway:TagResource`, but API Gateway asks for it when an API
 * or a stage is created with tags; older accounts were asked for PUT and POST on `/tags`.
 */
const tags = [
  extra(
    'apigateway:TagResource',
    ['httpApi'],
    'tags are given at creation',
    'https://github.com/hashicorp/terraform-provider-aws/issues/20634',
  ),
  extra(
    'apigateway:PUT',
    ['httpApi'],
    'tags are given at creation',
    'https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-control-access.html',
  ),
];

const httpRows: Rows = {
  'apigatewayv2:CreateApi': [...http('POST'), ...tags],
  'apigatewayv2:CreateStage': [...http('POST'), ...tags],
  ...Object.fromEntries(
    ['CreateIntegration', 'CreateRoute'].map((name) => [`apigatewayv2:${name}`, http('POST')]),
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
  ...rowsOn(['stack'], ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources']),
  ...rowsOn(['lock'], ['ssm:DeleteParameter', 'ssm:GetParametersByPath']),
  ...rowsOn(['lock', 'consumerParameter'], ['ssm:GetParameter', 'ssm:PutParameter']),
  ...rowsOn(['anything'], ['ssm:DescribeParameters', 'pricing:GetProducts', 'sts:GetCallerIdentity']),
};
