import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from '../../../src/context.ts';
import type { LocalFunction } from '../../../src/local/lambda/local-function.ts';
import {
  type InvokeResult,
  type LocalLambda,
  startLocalLambda,
} from '../../../src/local/lambda/local-lambda.ts';
import type { Bed, HookCall, HookReply } from '../bed.ts';
import { FunctionCode } from './function-code.ts';
import { FunctionMetrics } from './function-metrics.ts';
import type { Identities } from './identities.ts';

export interface FunctionsOptions {
  readonly context: Context;
  readonly bed: Bed;
  readonly identities: Identities;
  /** For the code of the functions. */
  readonly dir: string;
  readonly caFile: string;
  /** The lines of a host map as a function with these security groups, in these subnets, sees it. */
  hostsFor(groups: readonly string[], subnets: readonly string[]): Promise<string>;
}

interface Configuration {
  readonly FunctionName: string;
  readonly FunctionArn: string;
  readonly Version: string;
  readonly Runtime: string;
  readonly Handler: string;
  readonly Role: string;
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly CodeSha256: string;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
  readonly Layers?: readonly { readonly Arn: string }[];
  readonly VpcConfig?: {
    readonly SecurityGroupIds?: readonly string[];
    readonly SubnetIds?: readonly string[];
  };
}

interface Running {
  readonly lambda: LocalLambda;
  /** Of all that a new execution environment would differ by. */
  fingerprint: string;
  readonly hostsFile: string;
  /** What stands in it. */
  hosts: string;
  /** The last change of these two. */
  upToDate: Promise<void>;
}

export interface Invocation {
  /** Name or ARN, with a version or an alias or without. */
  readonly name: string;
  readonly qualifier?: string;
  readonly payload: Buffer;
  readonly clientContext?: string;
}

const preloads = fileURLToPath(new URL('./preload', import.meta.url));
const python = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url));

/** No function of that name, version or alias. */
export class NoFunction extends Error {
  override readonly name = 'NoFunction';
}

/** Runs what the account has uploaded to Lambda in lambdapg's own local Lambda. */
export class Functions {
  static readonly hooks = {
    instead: ['lambda:Invoke', ...FunctionMetrics.reads],
    after: ['lambda:DeleteFunction'],
  };
  readonly #options: FunctionsOptions;
  readonly #running = new Map<string, Promise<Running>>();
  readonly #lambdas = new Set<LocalLambda>();
  readonly #code: FunctionCode;
  /** Published versions, which do not change. */
  readonly #versions = new Map<string, Configuration>();
  readonly #metrics: FunctionMetrics;

  constructor(options: FunctionsOptions) {
    this.#options = options;
    this.#metrics = new FunctionMetrics(options.bed);
    this.#code = new FunctionCode(options.bed, options.dir);
  }

  async handle(call: HookCall): Promise<HookReply | undefined> {
    if (call.action === 'DeleteFunction') {
      await this.#forget(String(call.input.FunctionName));
      return undefined;
    }
    if (call.service === 'cloudwatch') return this.#metrics.handle(call);
    const { FunctionName, Qualifier, Payload, InvocationType, LogType, ClientContext } =
      call.input as Partial<Record<string, string>>;
    const invocation: Invocation = {
      name: FunctionName ?? '',
      ...(Qualifier !== undefined && { qualifier: Qualifier }),
      payload: Payload ? Buffer.from(Payload, 'base64') : Buffer.from('{}'),
      ...(ClientContext !== undefined && {
        clientContext: Buffer.from(ClientContext, 'base64').toString('utf8'),
      }),
    };
    try {
      const found = await this.#find(invocation);
      if (InvocationType === 'DryRun') return { output: { StatusCode: 204 } };
      const running = this.#run(found, invocation);
      if (InvocationType === 'Event') {
        running.catch((error: unknown) =>
          this.#options.context.report({ type: 'event-lost', message: String(error) }),
        );
        return { output: { StatusCode: 202 } };
      }
      return reply(await running, found.Version, LogType === 'Tail');
    } catch (error) {
      if (!(error instanceof NoFunction)) throw error;
      return { error: { code: 'ResourceNotFoundException', message: error.message, status: 404 } };
    }
  }

  /**
   * For an HTTP API.
   *
   * @throws NoFunction
   */
  async invoke(invocation: Invocation): Promise<InvokeResult> {
    return this.#run(await this.#find(invocation), invocation);
  }

  async stop(): Promise<void> {
    const lambdas = await Promise.all(this.#running.values());
    await Promise.all(lambdas.map(({ lambda }) => lambda.stop()));
  }

  /** Synchronous, for the end of a test process. */
  kill(): void {
    for (const lambda of this.#lambdas) lambda.kill();
  }

  async #forget(name: string): Promise<void> {
    for (const key of this.#versions.keys()) if (key.startsWith(`${name}:`)) this.#versions.delete(key);
    for (const [key, running] of this.#running) {
      if (!key.startsWith(`${name}:`)) continue;
      this.#running.delete(key);
      await (await running).lambda.stop();
    }
  }

  /** The configuration of the version that the invocation is for; an alias chooses one by its weights. */
  async #find({ name: spelled, qualifier }: Invocation): Promise<Configuration> {
    const { name, aliasOrVersion: asked } = partsOf({ name: spelled, qualifier });
    const isAlias = asked !== undefined && !/^(\$LATEST|\d+)$/.test(asked);
    try {
      const version = isAlias ? await this.#versionOf(name, asked) : asked;
      const known = this.#versions.get(`${name}:${version}`);
      if (known !== undefined) return known;
      const found = await this.#options.bed.aws<Configuration>({
        ...{ service: 'lambda', action: 'GetFunctionConfiguration' },
        input: { FunctionName: name, ...(version !== undefined && { Qualifier: version }) },
      });
      if (/^\d+$/.test(version ?? '')) this.#versions.set(`${name}:${version}`, found);
      return found;
    } catch (error) {
      if (!String(error).includes('ResourceNotFound')) throw error;
      const { region, account } = this.#options.bed;
      const suffix = asked === undefined ? '' : `:${asked}`;
      throw new NoFunction(
        `Function not found: arn:aws:lambda:${region}:${account}:function:${name}${suffix}`,
      );
    }
  }

  async #versionOf(name: string, alias: string): Promise<string> {
    interface Alias {
      readonly FunctionVersion: string;
      readonly RoutingConfig?: { readonly AdditionalVersionWeights?: Readonly<Record<string, number>> };
    }
    const { FunctionVersion, RoutingConfig } = await this.#options.bed.aws<Alias>({
      ...{ service: 'lambda', action: 'GetAlias', input: { FunctionName: name, Name: alias } },
    });
    let chance = Math.random();
    for (const [version, weight] of Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {})) {
      chance -= weight;
      if (chance < 0) return version;
    }
    return FunctionVersion;
  }

  async #run(found: Configuration, invocation: Invocation): Promise<InvokeResult> {
    const result = await this.#execute(found, invocation);
    const { aliasOrVersion } = partsOf(invocation);
    if (!('throttled' in result))
      this.#metrics.count(found.FunctionName, aliasOrVersion, found.Version, result.failure !== undefined);
    return result;
  }

  async #execute(found: Configuration, { payload, clientContext }: Invocation): Promise<InvokeResult> {
    const key = `${found.FunctionName}:${found.Version}`;
    let starting = this.#running.get(key);
    if (starting === undefined) {
      starting = this.#start(key, found);
      this.#running.set(key, starting);
    }
    const running = await starting;
    const { SecurityGroupIds = [], SubnetIds = [] } = found.VpcConfig ?? {};
    const hosts = await this.#options.hostsFor(SecurityGroupIds, SubnetIds);
    // One after the other: an invocation beside this one waits for what this one brings up to date.
    running.upToDate = running.upToDate.catch(() => {}).then(() => this.#update(running, found, hosts));
    await running.upToDate;
    const options = clientContext === undefined ? {} : { clientContext };
    return running.lambda.invoke(found.FunctionName, payload, options);
  }

  async #update(running: Running, found: Configuration, hosts: string): Promise<void> {
    await this.#tellHosts(running, hosts);
    const fingerprint = fingerprintOf(found);
    if (fingerprint === running.fingerprint) return;
    running.lambda.replace(await this.#localFunction(found, running.hostsFile));
    running.fingerprint = fingerprint;
  }

  /** As one change, and only when there is one: environments may be reading. */
  async #tellHosts(running: Running, hosts: string): Promise<void> {
    if (running.hosts === hosts) return;
    const draft = `${running.hostsFile}.${randomUUID()}`;
    await writeFile(draft, hosts);
    await rename(draft, running.hostsFile);
    running.hosts = hosts;
  }

  async #start(key: string, found: Configuration): Promise<Running> {
    const { context, dir } = this.#options;
    const hostsFile = join(dir, `${key.replaceAll(/[^\w-]/g, '_')}.hosts`);
    await writeFile(hostsFile, '');
    const fn = await this.#localFunction(found, hostsFile);
    const lambda = await startLocalLambda(context, {
      functions: [fn],
      preferredPort: 0,
      // Lambda has 10 s: not for a machine on which a whole cloud runs beside the tests.
      initLimitMs: 30_000,
    });
    this.#lambdas.add(lambda);
    return { lambda, hostsFile, hosts: '', fingerprint: fingerprintOf(found), upToDate: Promise.resolve() };
  }

  async #localFunction(found: Configuration, hostsFile: string): Promise<LocalFunction> {
    const codeDir = await this.#code.ofFunction(found.FunctionName, found.Version, found.CodeSha256);
    const language = found.Runtime.startsWith('python') ? 'python' : 'node';
    const environment = await this.#environment(found, codeDir, hostsFile);
    return {
      ...{ name: found.FunctionName, version: found.Version, language, codeDir },
      ...{ runtime: found.Runtime, handler: found.Handler, environment, routes: [] },
      executable: language === 'node' ? process.execPath : python,
      timeoutMs: (found.Timeout ?? 3) * 1000,
      memoryMb: found.MemorySize ?? 128,
      arn: found.FunctionArn.replace(/:\$LATEST$/, ''),
    };
  }

  /** Lambda unpacks to /var/task and keeps authorities in /var/runtime, which only root could make here: the variables name the real places instead. */
  async #environment(
    found: Configuration,
    codeDir: string,
    hostsFile: string,
  ): Promise<Record<string, string>> {
    const { bed, identities, caFile } = this.#options;
    const layers = await this.#code.ofLayers((found.Layers ?? []).map(({ Arn }) => Arn));
    const places: Readonly<Record<string, string>> = {
      ...{ '/var/task': codeDir, '/var/runtime/ca-cert.pem': caFile },
      ...(layers !== undefined && { '/opt/': `${layers}/` }),
    };
    const own = Object.entries(found.Environment?.Variables ?? {}).map(([name, value]) => {
      const real = Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, to), value);
      return [name, real];
    });
    const configured: Readonly<Record<string, string>> = Object.fromEntries(own);
    const role = identities.assume(found.Role);
    return {
      NODE_EXTRA_CA_CERTS: caFile,
      // For Python: its default authorities.
      SSL_CERT_FILE: caFile,
      ...configured,
      AWS_ACCESS_KEY_ID: role.accessKeyId,
      AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
      AWS_SESSION_TOKEN: role.sessionToken,
      AWS_ENDPOINT_URL: bed.endpoint,
      AWS_REGION: bed.region,
      AWS_DEFAULT_REGION: bed.region,
      LAMBDAPG_BED_HOSTS: hostsFile,
      NODE_OPTIONS: `${configured.NODE_OPTIONS ?? ''} --require ${join(preloads, 'names.cjs')}`.trim(),
      // https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
      NODE_PATH: joined(
        configured.NODE_PATH,
        layers && `${layers}/nodejs/node_modules`,
        await this.#code.runtimeModules(),
      ),
      PYTHONPATH: joined(preloads, configured.PYTHONPATH, layers && `${layers}/python`),
    };
  }
}

/** Of a name or an ARN, and by which qualifier it is asked, if by any. */
function partsOf({ name: spelled, qualifier }: { name: string; qualifier?: string | undefined }) {
  const [, name = '', inName] = /^(?:.*:?function:)?([\w-]+)(?::([\w$-]+))?$/.exec(spelled) ?? [];
  return { name, aliasOrVersion: qualifier ?? inName };
}

const joined = (...paths: readonly (string | undefined)[]): string => paths.filter(Boolean).join(delimiter);

/** Of all that an execution environment is made with. */
function fingerprintOf(found: Configuration): string {
  const { CodeSha256, Layers, Runtime, Handler, Role, Timeout, MemorySize, Environment, VpcConfig } = found;
  return JSON.stringify({
    ...{ CodeSha256, Layers, Runtime, Handler, Role, Timeout, MemorySize, Environment, VpcConfig },
  });
}

function reply(result: InvokeResult, version: string, wantsLog: boolean): HookReply {
  if ('throttled' in result) {
    return { error: { code: 'TooManyRequestsException', message: 'Rate Exceeded.', status: 429 } };
  }
  return {
    output: {
      StatusCode: 200,
      ExecutedVersion: version,
      Payload: result.payload.toString('base64'),
      ...(result.failure !== undefined && { FunctionError: 'Unhandled' }),
      ...(wantsLog && { LogResult: result.logTail }),
    },
  };
}
