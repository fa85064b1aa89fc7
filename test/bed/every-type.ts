type Resource = { readonly Type: string; readonly Properties?: Record<string, unknown> } & Record<
  string,
  unknown
>;

const of = (
  Type: string,
  Properties: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Resource => ({
  ...{ Type, Properties, ...more },
});
const ref = (Ref: string) => ({ Ref });
const att = (...path: [string, string]) => ({ 'Fn::GetAtt': path });
const zone = (at: number) => ({ 'Fn::Select': [at, { 'Fn::GetAZs': '' }] });
const policyOf = (Action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});
const trust = (Service: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }],
});

/**
 * A template with every type that the bed's CloudFormation knows, but for custom resources. `turn` changes a property of each that
 * can change without a new resource.
 */
export function everyType(turn: number): Record<string, Resource> {
  const Tags = [{ Key: 'turn', Value: `${turn}` }];
  return {
    ...network(turn, Tags),
    ...databases(turn, Tags),
    ...functions(turn, Tags),
    ...others(turn, Tags),
  };
}

function network(turn: number, Tags: unknown): Record<string, Resource> {
  const VpcId = ref('Vpc');
  const rule = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443 + turn, CidrIp: '10.0.0.0/16' };
  return {
    Vpc: of('AWS::EC2::VPC', { CidrBlock: '10.0.0.0/16', EnableDnsHostnames: true, Tags }),
    SubnetA: of('AWS::EC2::Subnet', { VpcId, CidrBlock: '10.0.0.0/24', AvailabilityZone: zone(0), Tags }),
    SubnetB: of('AWS::EC2::Subnet', { VpcId, CidrBlock: '10.0.1.0/24', AvailabilityZone: zone(1), Tags }),
    Table: of('AWS::EC2::RouteTable', { VpcId, Tags }),
    Association: of('AWS::EC2::SubnetRouteTableAssociation', {
      ...{ RouteTableId: ref('Table'), SubnetId: ref('SubnetA') },
    }),
    Gateway: of('AWS::EC2::InternetGateway', { Tags }),
    Attachment: of('AWS::EC2::VPCGatewayAttachment', { VpcId, InternetGatewayId: ref('Gateway') }),
    Route: of(
      'AWS::EC2::Route',
      { RouteTableId: ref('Table'), DestinationCidrBlock: '0.0.0.0/0', GatewayId: ref('Gateway') },
      { DependsOn: 'Attachment' },
    ),
    Address: of('AWS::EC2::EIP', { Domain: 'vpc', Tags }, { DependsOn: 'Attachment' }),
    Nat: of('AWS::EC2::NatGateway', {
      ...{ AllocationId: att('Address', 'AllocationId'), SubnetId: ref('SubnetA'), Tags },
    }),
    Group: of('AWS::EC2::SecurityGroup', {
      ...{ VpcId, GroupDescription: 'g', SecurityGroupIngress: [rule], SecurityGroupEgress: [rule], Tags },
    }),
    Other: of('AWS::EC2::SecurityGroup', { VpcId, GroupDescription: 'o', Tags }),
    In: of('AWS::EC2::SecurityGroupIngress', {
      ...{ GroupId: ref('Group'), SourceSecurityGroupId: ref('Other') },
      ...{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 },
    }),
    Out: of('AWS::EC2::SecurityGroupEgress', {
      ...{ GroupId: ref('Group'), DestinationSecurityGroupId: ref('Other') },
      ...{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 },
    }),
    Endpoint: of('AWS::EC2::VPCEndpoint', {
      ...{ VpcId, ServiceName: { 'Fn::Sub': `com.amazonaws.\${AWS::Region}.secretsmanager` } },
      ...{ VpcEndpointType: 'Interface', PrivateDnsEnabled: true, SubnetIds: [ref('SubnetA')], Tags },
      SecurityGroupIds: [turn === 0 ? ref('Group') : ref('Other')],
    }),
  };
}

function databases(turn: number, Tags: unknown): Record<string, Resource> {
  const groups = [ref('Group')];
  const at = { DBSubnetGroupName: ref('Subnets') };
  const instance = { DBInstanceClass: 'db.t4g.micro', ...at, VPCSecurityGroups: groups, Tags };
  const member = { Engine: 'aurora-postgresql', DBInstanceClass: 'db.serverless' };
  const proxied = { VpcSubnetIds: [ref('SubnetA'), ref('SubnetB')], VpcSecurityGroupIds: groups, Tags };
  return {
    Subnets: of('AWS::RDS::DBSubnetGroup', {
      ...{ DBSubnetGroupDescription: `${turn}`, SubnetIds: [ref('SubnetA'), ref('SubnetB')], Tags },
    }),
    Parameters: of('AWS::RDS::DBParameterGroup', {
      ...{ Family: 'postgres17', Description: 'p', Parameters: { max_connections: 50 + turn }, Tags },
    }),
    ClusterParameters: of('AWS::RDS::DBClusterParameterGroup', {
      ...{ Family: 'aurora-postgresql17', Description: 'p', Parameters: { 'rds.force_ssl': 1 }, Tags },
    }),
    Secret: of('AWS::SecretsManager::Secret', {
      ...{ Description: `${turn}`, Tags },
      GenerateSecretString: {
        SecretStringTemplate: '{"username":"boss"}',
        GenerateStringKey: 'password',
        ExcludePunctuation: true,
      },
    }),
    Empty: of('AWS::SecretsManager::Secret', { Description: `${turn}`, Tags }),
    SecretAttachment: of('AWS::SecretsManager::SecretTargetAttachment', {
      ...{ SecretId: ref('Secret'), TargetId: ref('Instance'), TargetType: 'AWS::RDS::DBInstance' },
    }),
    SecretPolicy: of('AWS::SecretsManager::ResourcePolicy', {
      ...{
        SecretId: ref('Secret'),
        ResourcePolicy: policyOf(`secretsmanager:${turn === 0 ? 'Get' : 'Put'}SecretValue`),
      },
    }),
    Instance: of(
      'AWS::RDS::DBInstance',
      {
        ...{
          ...instance,
          Engine: 'postgres',
          EngineVersion: '17',
          AllocatedStorage: '20',
          StorageType: 'gp3',
        },
        ...{
          MasterUsername: 'boss',
          ManageMasterUserPassword: false,
          DBParameterGroupName: ref('Parameters'),
        },
        MasterUserPassword: {
          'Fn::Join': ['', ['{{resolve:secretsmanager:', ref('Secret'), ':SecretString:password}}']],
        },
        BackupRetentionPeriod: 1 + turn,
      },
      { DeletionPolicy: 'Delete' },
    ),
    Cluster: of(
      'AWS::RDS::DBCluster',
      {
        ...{
          Engine: 'aurora-postgresql',
          EngineVersion: '17',
          MasterUsername: 'boss',
          ManageMasterUserPassword: true,
        },
        ...{
          ...at,
          VpcSecurityGroupIds: groups,
          DBClusterParameterGroupName: ref('ClusterParameters'),
          Tags,
        },
        ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 1 + turn },
      },
      { DeletionPolicy: 'Delete' },
    ),
    Writer: of('AWS::RDS::DBInstance', { ...member, DBClusterIdentifier: ref('Cluster'), Tags }),
    Proxy: of('AWS::RDS::DBProxy', {
      ...{
        DBProxyName: 'proxy',
        EngineFamily: 'POSTGRESQL',
        RequireTLS: true,
        RoleArn: att('ProxyRole', 'Arn'),
      },
      ...{
        ...proxied,
        Auth: [{ AuthScheme: 'SECRETS', SecretArn: ref('Secret') }],
        IdleClientTimeout: 60 + turn,
      },
    }),
    Targets: of(
      'AWS::RDS::DBProxyTargetGroup',
      {
        ...{ DBProxyName: ref('Proxy'), TargetGroupName: 'default', DBClusterIdentifiers: [ref('Cluster')] },
        ConnectionPoolConfigurationInfo: { MaxConnectionsPercent: 90 + turn },
      },
      { DependsOn: 'Writer' },
    ),
    ProxyReader: of(
      'AWS::RDS::DBProxyEndpoint',
      { ...proxied, DBProxyName: ref('Proxy'), DBProxyEndpointName: 'reader', TargetRole: 'READ_ONLY' },
      { DependsOn: 'Targets' },
    ),
    ProxyRole: of('AWS::IAM::Role', { AssumeRolePolicyDocument: trust('rds.amazonaws.com'), Tags }),
  };
}

function functions(turn: number, Tags: unknown): Record<string, Resource> {
  const FunctionName = ref('Function');
  return {
    Role: of('AWS::IAM::Role', {
      ...{ AssumeRolePolicyDocument: trust('lambda.amazonaws.com'), Description: `${turn}`, Tags },
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole'],
      Policies: [{ PolicyName: `own-${turn}`, PolicyDocument: policyOf('s3:GetObject') }],
    }),
    Inline: of('AWS::IAM::Policy', {
      ...{ PolicyName: 'inline', Roles: [ref('Role')], PolicyDocument: policyOf(`s3:Get${turn}`) },
    }),
    Managed: of('AWS::IAM::ManagedPolicy', {
      Roles: [ref('Role')],
      PolicyDocument: policyOf(`s3:Get${turn}`),
    }),
    Function: of('AWS::Lambda::Function', {
      ...{
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: att('Role', 'Arn'),
        Architectures: ['arm64'],
        Tags,
      },
      ...{ Code: { ZipFile: `exports.handler = async () => ${turn}` }, MemorySize: 256 + turn },
      ...{ ReservedConcurrentExecutions: 5 + turn, Environment: { Variables: { TURN: turn } } },
      VpcConfig: { SubnetIds: [ref('SubnetA')], SecurityGroupIds: [ref('Group')] },
    }),
    Version: of('AWS::Lambda::Version', { FunctionName, Description: `${turn}` }),
    Live: of('AWS::Lambda::Alias', {
      FunctionName,
      Name: 'live',
      FunctionVersion: att('Version', 'Version'),
    }),
    Permission: of('AWS::Lambda::Permission', {
      ...{ FunctionName: ref('Live'), Action: 'lambda:InvokeFunction', Principal: 'events.amazonaws.com' },
    }),
    Url: of('AWS::Lambda::Url', {
      TargetFunctionArn: att('Function', 'Arn'),
      AuthType: turn === 0 ? 'NONE' : 'AWS_IAM',
    }),
    Retries: of('AWS::Lambda::EventInvokeConfig', {
      FunctionName,
      Qualifier: '$LATEST',
      MaximumRetryAttempts: turn,
    }),
    Layer: of('AWS::Lambda::LayerVersion', {
      Content: { S3Bucket: 'uploads', S3Key: 'layer.zip' },
      LayerName: 'layer',
    }),
    Schedule: of('AWS::Events::Rule', {
      ...{ ScheduleExpression: `rate(${turn + 2} hours)`, Targets: [{ Id: 'live', Arn: ref('Live') }] },
    }),
    Logs: of('AWS::Logs::LogGroup', { RetentionInDays: turn === 0 ? 7 : 14, Tags }),
  };
}

function others(
  turn: number,
  Tags: readonly { Key: string; Value: string }[] | unknown,
): Record<string, Resource> {
  const ApiId = ref('Api');
  const map = { turn: `${turn}` };
  return {
    Api: of('AWS::ApiGatewayV2::Api', {
      Name: 'api',
      ProtocolType: 'HTTP',
      Description: `${turn}`,
      Tags: map,
    }),
    Integration: of('AWS::ApiGatewayV2::Integration', {
      ...{ ApiId, IntegrationType: 'AWS_PROXY', IntegrationUri: ref('Live'), PayloadFormatVersion: '2.0' },
      TimeoutInMillis: 10_000 + turn,
    }),
    Authorizer: of('AWS::ApiGatewayV2::Authorizer', {
      ...{
        ApiId,
        Name: `a${turn}`,
        AuthorizerType: 'JWT',
        IdentitySource: ['$request.header.Authorization'],
      },
      JwtConfiguration: { Issuer: 'https://example.com', Audience: ['a'] },
    }),
    Get: of('AWS::ApiGatewayV2::Route', {
      ...{ ApiId, RouteKey: `GET /${turn}`, AuthorizationType: 'JWT', AuthorizerId: ref('Authorizer') },
      Target: { 'Fn::Join': ['/', ['integrations', ref('Integration')]] },
    }),
    Stage: of('AWS::ApiGatewayV2::Stage', {
      ...{ ApiId, StageName: '$default', AutoDeploy: true, Tags: map },
      DefaultRouteSettings: { ThrottlingBurstLimit: 5 + turn, ThrottlingRateLimit: 5 },
    }),
    Bucket: of('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: turn === 0 ? 'Enabled' : 'Suspended' },
    }),
    BucketPolicy: of('AWS::S3::BucketPolicy', {
      Bucket: ref('Bucket'),
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: '*', Action: `s3:Get${turn}`, Resource: att('Bucket', 'Arn') },
        ],
      },
    }),
    Repository: of('AWS::ECR::Repository', {
      RepositoryPolicyText: policyOf('ecr:GetDownloadUrlForLayer'),
      Tags,
    }),
    Parameter: of('AWS::SSM::Parameter', { Type: 'String', Value: `${turn}`, Tags: map }),
    Metadata: of('AWS::CDK::Metadata', { Analytics: `v${turn}` }),
  };
}
