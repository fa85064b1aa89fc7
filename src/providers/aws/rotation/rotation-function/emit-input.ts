import type { RotationSettings } from './rotation-function-settings.ts';

/** All that a rotation function hangs on, as found in the account. */
export interface EmitInput {
  readonly version: string;
  readonly functionName: string;
  readonly account: string;
  readonly partition: string;
  readonly region: string;
  readonly settings: RotationSettings;
  readonly tags: Readonly<Record<string, string>>;
  /** Where functions of the stage are; absent: nothing of it was found. */
  readonly network?: { readonly subnetIds: readonly string[]; readonly securityGroupIds: readonly string[] };
  /** Those of the secrets that have one of their own. */
  readonly kmsKeys: readonly string[];
}
