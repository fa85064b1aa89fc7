import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  type ListSecretVersionIdsCommandOutput,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { Secret } from '../../../../secret.ts';
import type { Aws } from '../../clients.ts';

/** What a store asks of Secrets Manager; a function without the SDK can make these calls itself. */
export interface SecretsApi {
  describe(): Promise<SecretLabels>;
  /** @throws ResourceNotFoundException where the version has no value, or none yet */
  get(versionId: string): Promise<SecretVersion>;
  /** Versions without a label that AWS has not deleted yet, the latest first. */
  unlabelled(): Promise<readonly string[]>;
  /** As AWSPENDING alone. @throws ResourceExistsException when `token` has another value */
  putPending(token: string, text: Secret): Promise<void>;
  /** Moves a label; without `to` it is taken away. */
  move(label: string, to: string | undefined, from: string): Promise<void>;
}

export interface SecretLabels {
  readonly versions: Readonly<Record<string, readonly string[]>>;
}

export interface SecretVersion {
  /** Undefined: it is binary. */
  readonly text: Secret | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt?: number;
}

/** A version as ListSecretVersionIds shows it. */
export interface ListedVersion {
  readonly id: string;
  readonly labels: readonly string[];
  /** In any unit. */
  readonly createdAt: number;
}

export const unlabelledOf = (versions: readonly ListedVersion[]): readonly string[] =>
  versions
    .filter(({ labels }) => labels.length === 0)
    .sort((one, other) => other.createdAt - one.createdAt)
    .map(({ id }) => id);

/** @param secretId name or ARN */
export function secretsApi(aws: Aws, secretId: string): SecretsApi {
  const SecretId = secretId;
  return {
    async describe() {
      const { VersionIdsToStages = {} } = await aws.read.secrets.send(
        new DescribeSecretCommand({ SecretId }),
      );
      return { versions: VersionIdsToStages };
    },
    async get(VersionId) {
      const { SecretString: text, CreatedDate } = await aws.read.secrets.send(
        new GetSecretValueCommand({ SecretId, VersionId }),
      );
      return {
        text: text === undefined ? undefined : new Secret(text),
        ...(CreatedDate !== undefined && { createdAt: CreatedDate.getTime() }),
      };
    },
    async unlabelled() {
      const versions: ListedVersion[] = [];
      let NextToken: string | undefined;
      do {
        const page: ListSecretVersionIdsCommandOutput = await aws.read.secrets.send(
          new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: true, NextToken }),
        );
        for (const { VersionId: id, VersionStages: labels = [], CreatedDate } of page.Versions ?? [])
          if (id !== undefined) versions.push({ id, labels, createdAt: CreatedDate?.getTime() ?? 0 });
        NextToken = page.NextToken || undefined;
      } while (NextToken !== undefined);
      return unlabelledOf(versions);
    },
    async putPending(ClientRequestToken, text) {
      const SecretString = text.reveal();
      // Without stages it would become AWSCURRENT at once.
      const VersionStages = ['AWSPENDING'];
      await aws.write.secrets.send(
        new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages }),
      );
    },
    async move(VersionStage, to, RemoveFromVersionId) {
      await aws.write.secrets.send(
        new UpdateSecretVersionStageCommand({
          ...{ SecretId, VersionStage, RemoveFromVersionId },
          ...(to !== undefined && { MoveToVersionId: to }),
        }),
      );
    },
  };
}
