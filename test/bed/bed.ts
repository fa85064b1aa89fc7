import { randomInt } from 'node:crypto';
import { startGateProcess } from './gate-process.ts';
import type {
  AwsCall,
  Fault,
  HookActions,
  HookHandler,
  LoggedRequest,
  StoredFunction,
  Violation,
} from './gate-types.ts';
import { type HookServer, startHookServer } from './hook-server.ts';

export type * from './gate-types.ts';

/** Where test/bed/global-setup.ts serves the URL of the run's gate. */
export const brokerVariable = 'LAMBDAPG_TEST_GATE_BROKER';

export interface BedOptions {
  readonly region?: string;
  /** Reads for which an intermediate state lasts, by kind of gate/kinds.py or `default` (1). */
  readonly pace?: Readonly<Record<string, number>>;
}

/** AWS for one test: a fresh account behind the gate. `docs` of each part: test/bed/gate/README.md. */
export interface Bed {
  readonly endpoint: string;
  readonly account: string;
  readonly region: string;
  /** For the CLI as a child process, and for SDK clients. */
  readonly environment: Readonly<Record<string, string>>;
  /** The same account past the gate: moto as it is. */
  readonly plain: Readonly<Record<string, string>>;
  fault(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
  /** Faults with what is left of their counts, and how often they hit. */
  faults(): Promise<readonly (Fault & { readonly hits?: number })[]>;
  /** Every call that the account has made, in order of arrival; secrets as they were. */
  requests(): Promise<readonly LoggedRequest[]>;
  clearRequests(): Promise<void>;
  violations(): Promise<readonly Violation[]>;
  /** For a test that breaks the models on purpose. */
  clearViolations(): Promise<void>;
  pace(reads: Readonly<Record<string, number>>): Promise<void>;
  /** Reads for which a change is not to be seen yet, by kind or `default` (0). */
  lag(reads: Readonly<Record<string, number>>): Promise<void>;
  /** Lets `handler` answer actions, or see and change their answers. Returns its undoing. */
  hook(actions: HookActions, handler: HookHandler): Promise<() => Promise<void>>;
  /** Any operation without an SDK client, unlogged: by default moto's own answer, `{plain: false}` the gate's. */
  aws<Output = Record<string, unknown>>(call: AwsCall): Promise<Output>;
  /** A function version as it was deployed: zip as base64, configuration, environment. */
  functionCode(name: string, qualifier?: string): Promise<StoredFunction>;
  /** IAM policy documents of the caller: each call is allowed or denied by its action alone. Null allows all. */
  allowOnly(policies: readonly unknown[] | null): Promise<void>;
  /** What a proxy's targets show, until null: `{State: 'UNAVAILABLE', Reason: 'AUTH_FAILURE', Description: …}`. */
  targetHealth(proxy: string, health: Readonly<Record<string, string>> | null): Promise<void>;
  /** A route of the gate's control API that has no method here (gate/control.py). */
  control<Reply>(what: string, body?: unknown): Promise<Reply>;
  /** Forgets the account; throws when a request or an invented answer broke AWS's models. */
  stop(): Promise<void>;
}

let url: Promise<string> | undefined;

/** Asked for once per process: it stays the same. */
function gateUrl(): Promise<string> {
  url ??= findGate(process.env[brokerVariable]);
  return url;
}

async function findGate(broker: string | undefined): Promise<string> {
  if (broker === undefined) return (await startGateProcess()).url;
  const response = await fetch(broker);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

export async function startBed(options: BedOptions = {}): Promise<Bed> {
  const endpoint = await gateUrl();
  const account = String(randomInt(100_000_000_000, 281_474_976_710_655)).padStart(12, '1').slice(0, 12);
  const region = options.region ?? 'us-east-1';
  let hooks: HookServer | undefined;
  const control = async <Reply>(what: string, body?: unknown): Promise<Reply> => {
    const response = await fetch(`${endpoint}/_gate/${account}/${what}`, {
      method: 'POST',
      body: JSON.stringify(body ?? null),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`gate: ${what}: ${response.status} ${text}`);
    return JSON.parse(text) as Reply;
  };
  const bed: Bed = {
    endpoint,
    account,
    region,
    environment: environmentOf(endpoint, region, `AKIA${account}TEST`),
    plain: environmentOf(endpoint, region, `AKIP${account}TEST`),
    fault: (fault) => control('fault', fault),
    clearFaults: () => control('clear-faults'),
    faults: () => control('faults'),
    requests: () => control('requests'),
    clearRequests: () => control('clear-requests'),
    violations: () => control('violations'),
    clearViolations: () => control('clear-violations'),
    pace: (reads) => control('pace', reads),
    lag: (reads) => control('lag', reads),
    hook: async (actions, handler) => {
      hooks ??= await startHookServer();
      const url = hooks.add(handler);
      await control('hook', { url, ...actions });
      return () => control('unhook', { url });
    },
    aws: (call) => control('aws', { region, ...call }),
    functionCode: (name, qualifier) => control('function', { region, name, qualifier: qualifier ?? null }),
    allowOnly: (policies) => control('policies', policies),
    targetHealth: (proxy, health) => control('target-health', { region, proxy, health }),
    control,
    stop: async () => {
      const violations = await bed.violations();
      await control('forget');
      await hooks?.close();
      if (violations.length > 0)
        throw new Error(
          `against AWS's models:\n${violations.map((one) => `${one.where} ${one.service}:${one.action}: ${one.message}`).join('\n')}`,
        );
    },
  };
  if (options.pace) await bed.pace(options.pace);
  return bed;
}

function environmentOf(endpoint: string, region: string, accessKeyId: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'lambdapg-test-secret-access-key',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: 'true',
    // A person's own profiles must not leak into a test.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}
