import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineStage } from './tool.ts';

/** One for an account and region, as CDK's bootstrap and SAM's managed stack are. */
export const uploadsStack = 'lambdapg-uploads';

export const uploadsBucket = ({ account, region }: EngineStage): string =>
  `lambdapg-uploads-${account}-${region}`;

const bucketTemplate = {
  AWSTemplateFormatVersion: '2010-09-09',
  Description: 'What lambdapg uploads for AWS SAM. CloudFormation reads it again when it rolls back.',
  Resources: {
    Uploads: {
      Type: 'AWS::S3::Bucket',
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own.
        BucketName: { 'Fn::Sub': 'lambdapg-uploads-${AWS::AccountId}-${AWS::Region}' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          ...{ BlockPublicAcls: true, BlockPublicPolicy: true },
          ...{ IgnorePublicAcls: true, RestrictPublicBuckets: true },
        },
      },
    },
  },
};

/** Writes the template of the bucket's stack. @returns its path */
export async function uploadsTemplate({ projectDir }: EngineStage): Promise<string> {
  const dir = join(projectDir, '.lambdapg');
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'uploads.json');
  await writeFile(file, JSON.stringify(bucketTemplate, null, 2));
  return file;
}
