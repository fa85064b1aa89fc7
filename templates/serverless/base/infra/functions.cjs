// The functions of lambdapg.json in the words of Serverless, each with a role of its own.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

/** What functions have in common (variables, network, policies) stands in serverless.yml, under custom.shared. */
const getShared = ({ resolveVariable }) => resolveVariable('self:custom.shared');

/** `lambdapg.json`, read anew each time. */
const readConfig = () => JSON.parse(readFileSync(join(__dirname, '..', 'lambdapg.json'), 'utf8'));

/** Logical names are letters and digits: "send-mail" is SendMail, as Serverless itself writes it. */
const logicalName = (name) => name.replace(/(^|-)([a-z0-9])/g, (_, _dash, letter) => letter.toUpperCase());
const roleName = (name) => `${logicalName(name)}Role`;

exports.functions = async (serverless) => {
  const { vpc, environment } = await getShared(serverless);
  const stackName = await serverless.resolveVariable('self:provider.stackName');
  const { functions, language } = readConfig();
  const entries = Object.entries(functions).map(([name, settings]) => [
    name,
    {
      // A Node bundle is always called index; a Python function keeps its path.
      handler: language === 'node' ? `index.${settings.handler.split('.').pop()}` : settings.handler,
      memorySize: settings.memoryMb ?? 256,
      timeout: settings.timeoutSeconds ?? 10,
      reservedConcurrency: settings.reservedConcurrency,
      environment: { ...settings.environment, ...environment },
      role: roleName(name),
      vpc,
      package: { artifact: `.lambdapg/package/${name}.zip` },
      tags: { Name: `${stackName}-${name}`, 'lambdapg:resource': name },
      events: eventsOf(settings, `${stackName}-${name}`),
    },
  ]);
  return Object.fromEntries(entries);
};

/** Serverless writes the default route as a star. */
const eventsOf = ({ routes = [], schedule }, ruleName) => [
  ...routes.map((route) => ({ httpApi: route === '$default' ? '*' : route })),
  ...(schedule === undefined ? [] : [{ schedule: { rate: [schedule], name: ruleName } }]),
];

exports.resources = async (serverless) => {
  const { policies } = await getShared(serverless);
  const roles = Object.keys(readConfig().functions).map((name) => [roleName(name), roleOf(name, policies)]);
  return { Resources: Object.fromEntries(roles) };
};

/** A role for one function alone: its own log group, and the shared policies. */
const roleOf = (name, policies) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: { 'Fn::Sub': `\${AWS::StackName}-${name}` },
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    },
    ManagedPolicyArns: policies,
    Policies: [
      {
        PolicyName: 'logs',
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
              Resource: {
                'Fn::Sub': `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/\${AWS::StackName}-${name}:*`,
              },
            },
          ],
        },
      },
    ],
    Tags: [
      { Key: 'Name', Value: { 'Fn::Sub': `\${AWS::StackName}-${name}` } },
      { Key: 'lambdapg:resource', Value: name },
    ],
  },
});
