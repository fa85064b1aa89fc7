import type * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { type LambdaFunctionProps, lambdaFunction } from './lambda-function.ts';
import { nameOf, tag } from './names.ts';
import { type FunctionAnswers, packagePath, project } from './project.ts';

export interface FunctionsProps {
  /** How they find and enter the database. Never a password. */
  readonly variables: Readonly<Record<string, string>>;
  readonly statements: (functionArn: string) => iam.PolicyStatement[];
  readonly network?: LambdaFunctionProps['network'];
}

/** The functions of `lambdapg.json`, each with the alias `live`: everything outside calls that and no other version. */
export class Functions extends Construct {
  readonly aliases: ReadonlyMap<string, lambda.Alias>;

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    const layers = project.packaging === 'layer' ? [this.#packages()] : [];
    this.aliases = new Map(
      Object.entries(project.functions).map(([name, answers]) => {
        const made = this.#function(name, answers, layers, props);
        return [
          name,
          new lambda.Alias(this, `${name}-live`, { aliasName: 'live', version: made.currentVersion }),
        ];
      }),
    );
  }

  #function(
    name: string,
    answers: FunctionAnswers,
    layers: lambda.ILayerVersion[],
    { variables, statements, network }: FunctionsProps,
  ): lambda.Function {
    const { handler, environment, timeoutSeconds = 10, memoryMb = 256, reservedConcurrency } = answers;
    const made = lambdaFunction(this, name, {
      ...{ name, zip: name, timeoutSeconds, memoryMb, reservedConcurrency, layers, statements, network },
      description: `${name} of ${project.name}`,
      runtime: project.runtime,
      architecture: project.architecture,
      // A Node function is bundled into one file, index.mjs.
      handler: project.language === 'node' ? `index.${handler.split('.').at(-1)}` : handler,
      environment: { ...environment, ...variables },
    });
    tag(made, `function-${name}`, nameOf(this, name));
    return made;
  }

  /** The Python packages, once for all functions. */
  #packages(): lambda.LayerVersion {
    return new lambda.LayerVersion(this, 'Packages', {
      layerVersionName: nameOf(this, 'packages'),
      code: lambda.Code.fromAsset(packagePath('layer')),
      compatibleRuntimes: [new lambda.Runtime(project.runtime)],
      compatibleArchitectures: [
        project.architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      ],
    });
  }
}
