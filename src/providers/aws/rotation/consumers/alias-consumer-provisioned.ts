import {
  DeleteProvisionedConcurrencyConfigCommand,
  GetProvisionedConcurrencyConfigCommand,
  type GetProvisionedConcurrencyConfigResponse,
  PutProvisionedConcurrencyConfigCommand,
  paginateListAliases,
  paginateListProvisionedConcurrencyConfigs,
} from '@aws-sdk/client-lambda';
import { UserError } from '../../../../errors.ts';
import type { Aws } from '../../clients.ts';
import { explainAwsError } from '../../explain.ts';
import { isGone } from '../../judge.ts';
import { explainDenied } from '../../permissions/explain-denied.ts';
import { type ConsumerWorld, titleOf } from './function-consumer.ts';
import { pause } from './function-consumer-pause.ts';

/** Environments that Lambda keeps ready for a version, or for an alias. */
export interface ProvisionedConcurrency {
  /** Whether a version or an alias has some of its own. Asked once. */
  isOn(qualifier: string): Promise<boolean>;
  /** In words, while it is being made for an alias that has some. */
  waitsFor(alias: string): Promise<string | undefined>;
  /** Before traffic goes over: the new version gets as much as the present one, and has it. */
  copy(from: string, to: string): Promise<void>;
  /** After it: the former version needs none. */
  end(from: string, to: string): Promise<void>;
  /** Versions that have some and to which no alias leads: they cost, and nobody uses them. None where that cannot be seen. */
  unused(): Promise<readonly string[]>;
}

export function provisionedConcurrency({ aws }: ConsumerWorld, FunctionName: string): ProvisionedConcurrency {
  const known = new Map<string, boolean>();
  const get = async (Qualifier: string): Promise<GetProvisionedConcurrencyConfigResponse | undefined> => {
    try {
      const command = new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier });
      return await aws.read.lambda.send(command);
    } catch (error) {
      // Whoever may not see it has to live with cold starts.
      if (isGone(error) || explainDenied(error) !== undefined) return undefined;
      throw explainAwsError(error, titleOf({ name: FunctionName, qualifier: Qualifier }));
    }
  };
  const isOn = async (qualifier: string): Promise<boolean> => {
    const on = known.get(qualifier) ?? (await get(qualifier)) !== undefined;
    known.set(qualifier, on);
    return on;
  };
  return {
    isOn,
    async waitsFor(alias) {
      if (known.get(alias) === false) return undefined;
      const found = await get(alias);
      known.set(alias, found !== undefined);
      return found?.Status === 'IN_PROGRESS' ? 'its provisioned concurrency is being made' : undefined;
    },
    async copy(from, to) {
      if (from === to) return;
      const wanted = (await get(from))?.RequestedProvisionedConcurrentExecutions;
      if (wanted === undefined) return;
      const title = titleOf({ name: FunctionName, qualifier: to });
      for (let turn = 0; ; turn += 1) {
        const have = await get(to);
        if (have?.Status === 'READY') return;
        if (have?.Status === 'FAILED') throw failed(title, have.StatusReason);
        if (have === undefined) {
          const command = new PutProvisionedConcurrencyConfigCommand({
            ...{ FunctionName, Qualifier: to, ProvisionedConcurrentExecutions: wanted },
          });
          await aws.write.lambda.send(command).catch((error: unknown) => {
            throw explainAwsError(error, `provisioned concurrency of ${title}`);
          });
        }
        await pause(turn, title);
      }
    },
    async end(from, to) {
      if (from === to || (await get(from)) === undefined || (await get(to)) === undefined) return;
      const command = new DeleteProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: from });
      await aws.write.lambda.send(command).catch((error: unknown) => {
        throw explainAwsError(error, titleOf({ name: FunctionName, qualifier: from }));
      });
    },
    async unused() {
      try {
        const provisioned = await listProvisioned(aws, FunctionName);
        // Those of aliases are named by their names.
        const versions = provisioned.filter((qualifier) => /^\d+$/.test(qualifier));
        if (versions.length === 0) return [];
        const used = await listLedTo(aws, FunctionName);
        return versions.filter((version) => !used.has(version));
      } catch (error) {
        if (isGone(error) || explainDenied(error) !== undefined) return [];
        throw explainAwsError(error, `function ${FunctionName}`);
      }
    },
  };
}

/** The qualifiers of a function that have some of their own. */
async function listProvisioned({ read }: Aws, FunctionName: string): Promise<string[]> {
  const found: string[] = [];
  for await (const page of paginateListProvisionedConcurrencyConfigs(
    { client: read.lambda },
    { FunctionName },
  ))
    for (const { FunctionArn = '' } of page.ProvisionedConcurrencyConfigs ?? [])
      found.push(FunctionArn.slice(FunctionArn.lastIndexOf(':') + 1));
  return found;
}

/** The versions that get traffic of an alias, all or a share. */
async function listLedTo({ read }: Aws, FunctionName: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const { Aliases = [] } of paginateListAliases({ client: read.lambda }, { FunctionName }))
    for (const { FunctionVersion = '', RoutingConfig } of Aliases)
      for (const version of [FunctionVersion, ...Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {})])
        found.add(version);
  return found;
}

const failed = (title: string, reason = 'no reason given'): UserError =>
  new UserError('CONSUMER_FAILED', `${title} gets no provisioned concurrency: ${reason}`, {
    suggestions: ['nothing was shifted to it: see the quota of the account, then rotate-creds --resume'],
  });
