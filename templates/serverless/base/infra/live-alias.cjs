// Serverless publishes a version of each function at every change and lets everybody call $LATEST. This plugin gives the
// newest version the alias "live" and has the HTTP API, the schedules and their permissions name that alias, so that
// traffic can be moved back to a former version (aws lambda update-alias).
const aliasName = 'live';

module.exports = class LiveAlias {
  constructor(serverless) {
    this.service = serverless.service;
    this.naming = serverless.getProvider('aws').naming;
    this.hooks = {
      'before:package:compileFunctions': () => this.aimAtAlias(),
      'after:package:compileFunctions': () => this.addAliases(),
    };
  }

  /** The functions that lambdapg.json names: those with versions. */
  functions() {
    return this.service
      .getAllFunctions()
      .map((name) => ({ name, settings: this.service.getFunction(name) }))
      .filter(({ settings }) => settings.versionFunction !== false);
  }

  /** Serverless' own name for what events call, in place of the function. */
  aimAtAlias() {
    for (const { name, settings } of this.functions()) {
      const logicalId = `${this.naming.getNormalizedFunctionName(name)}LiveAlias`;
      settings.targetAlias = { name: aliasName, logicalId };
    }
  }

  addAliases() {
    const { Resources } = this.service.provider.compiledCloudFormationTemplate;
    for (const { name, settings } of this.functions()) {
      Resources[settings.targetAlias.logicalId] = {
        Type: 'AWS::Lambda::Alias',
        Properties: {
          Name: aliasName,
          FunctionName: { Ref: this.naming.getLambdaLogicalId(name) },
          FunctionVersion: { 'Fn::GetAtt': [settings.versionLogicalId, 'Version'] },
          // No RoutingConfig: weights belong to whoever shifts traffic.
        },
      };
    }
  }
};
