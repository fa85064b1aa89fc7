import { createRequire } from 'node:module';
import { join } from 'node:path';
import { installedFor } from './engine-packages.ts';
import type { Template } from './resolve-template.ts';

interface Validator {
  readonly TemplateContent: new (text: string, name: string) => object;
  readonly CompositeEngine: new () => {
    validateTemplate(
      template: object,
      config: { severityLevel: string },
    ): { diagnostics: readonly { ruleId: string; message: string; entity?: { name?: string } }[] };
    free(): void;
  };
}

/** What CDK's own validator (@aws/cloudformation-validate, inside aws-cdk-lib) says of a template: `E3004 text`. */
export async function validateCloudFormation(template: Template): Promise<string[]> {
  const packages = await installedFor('cdk');
  // Bundled inside the package, so that no name resolves to it.
  const inside = 'aws-cdk-lib/node_modules/@aws/cloudformation-validate';
  const validator = createRequire(import.meta.url)(join(packages, inside)) as Validator;
  const engine = new validator.CompositeEngine();
  try {
    const content = new validator.TemplateContent(JSON.stringify(template), 'template.json');
    const { diagnostics } = engine.validateTemplate(content, { severityLevel: 'WARN' });
    return diagnostics.map(({ ruleId, message }) => `${ruleId} ${message}`);
  } finally {
    engine.free();
  }
}
