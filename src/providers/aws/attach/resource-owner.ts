import type { Owner } from '../../../provision/wiring-facts.ts';

type Tags =
  | readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[]
  | Readonly<Record<string, string>>
  | undefined;

/**
 * The engine that a resource's tags name. CloudFormation writes its own on all that it makes, and SAM, CDK and Serverless work
 * through it; Terraform writes none, so only what people agree on can be seen.
 *
 * Sources: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html,
 * docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html (lambda:createdBy)
 */
export function ownerOf(tags: Tags): Owner | undefined {
  const all = new Map<string, string>(
    Array.isArray(tags)
      ? tags.map(({ Key = '', Value = '' }) => [Key, Value])
      : Object.entries((tags as Record<string, string> | undefined) ?? {}),
  );
  const stack = all.get('aws:cloudformation:stack-name');
  // Of a project of lambdapg's own.
  const own = all.get('lambdapg:engine');
  if (stack !== undefined) {
    if (all.get('lambda:createdBy') === 'SAM') return { engine: 'sam', name: stack };
    const isServerless = all.has('STAGE') || own === 'serverless';
    return { engine: isServerless ? 'serverless' : own === 'sam' ? 'sam' : 'cloudformation', name: stack };
  }
  const isTerraform = [...all].some(
    ([key, value]) =>
      /^(managed[-_ ]?by|created[-_ ]?by|provisioner|iac|tool|terraform)$/i.test(key) &&
      /^(terraform|opentofu|true|yes)$/i.test(value),
  );
  return isTerraform || own === 'terraform' ? { engine: 'terraform' } : undefined;
}
