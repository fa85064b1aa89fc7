import type { Context } from '../context.ts';
import { type Bundle, startBundler } from '../project/bundle.ts';
import type { FunctionConfig } from '../project/config-schema.ts';
import type { Project } from '../project/find-project.ts';
import { findNode, findPython } from '../project/interpreters.ts';
import { type WatchedFunction, watchProject } from '../project/watch.ts';
import { functionEnvironment } from './function-environment.ts';
import { type LocalFunction, startLocalLambda } from './lambda/local-lambda.ts';
import type { ProjectDatabase } from './project-database.ts';

/** The functions of a project, being served. */
export interface ServedFunctions {
  readonly url: string;
  stop(): Promise<void>;
  kill(): void;
}

interface ServeOptions {
  /** HTTP port to prefer; 0 for any. */
  readonly port: number;
  readonly concurrency?: number;
  /** Rebuild and reload when a source is saved. */
  readonly watch: boolean;
}

/** The functions of a project before they are served: built, with the program that runs them. */
export interface BuiltFunctions {
  readonly executable: string;
  readonly functions: readonly WatchedFunction[];
}

/**
 * Builds every function and finds what runs them; says so when that is not the version that Lambda runs.
 *
 * @throws UserError BUILD_FAILED, HANDLER_FILE_MISSING, PYTHON_NOT_FOUND and their like
 */
export async function buildFunctions(context: Context, { config, dir }: Project): Promise<BuiltFunctions> {
  const { language, runtime, functions } = config;
  const interpreter = await (language === 'node'
    ? findNode(context, runtime)
    : findPython(context, runtime, dir));
  const { difference, version, executable } = interpreter;
  if (difference !== undefined)
    context.report({ type: 'runtime-warning', message: difference, runtime, version });
  const names = Object.keys(functions);
  if (language === 'python')
    return { executable, functions: names.map((functionName) => ({ functionName })) };
  const built = names.map(async (functionName) => {
    const handler = functions[functionName]?.handler ?? '';
    const bundler = await startBundler({ projectDir: dir, functionName, handler, runtime });
    const bundle = await bundler.build();
    return { functionName, bundled: { bundler, bundle } };
  });
  return { executable, functions: await Promise.all(built) };
}

/** Serves built functions against `database` and, when asked to, reloads a function whose source was saved. */
export async function serveFunctions(
  context: Context,
  project: Project,
  built: BuiltFunctions,
  database: ProjectDatabase,
  { port, concurrency, watch }: ServeOptions,
): Promise<ServedFunctions> {
  const environment = await functionEnvironment(database.app, database.caFile);
  const local = (name: string, bundle: Bundle | undefined): LocalFunction => {
    const config = project.config.functions[name] as FunctionConfig;
    return localFunction(project, name, config, built.executable, environment, bundle);
  };
  const lambda = await startLocalLambda(context, {
    functions: built.functions.map(({ functionName, bundled }) => local(functionName, bundled?.bundle)),
    preferredPort: port,
    ...(concurrency !== undefined && { concurrency }),
  });
  const watcher = watch
    ? await watchProject(context, project.dir, built.functions, (name, bundle) =>
        lambda.replace(local(name, bundle)),
      )
    : undefined;
  return {
    url: lambda.url,
    async stop() {
      await watcher?.close();
      await lambda.stop();
    },
    kill: () => lambda.kill(),
  };
}

function localFunction(
  project: Project,
  name: string,
  config: FunctionConfig,
  executable: string,
  environment: Readonly<Record<string, string>>,
  bundle: Bundle | undefined,
): LocalFunction {
  const { language, runtime } = project.config;
  const { timeoutSeconds, memoryMb, reservedConcurrency, routes, schedule, handler } = config;
  return {
    ...{ name, language, runtime, executable, memoryMb, routes },
    codeDir: bundle?.codeDir ?? project.dir,
    handler: bundle?.handler ?? handler,
    timeoutMs: timeoutSeconds * 1000,
    ...(reservedConcurrency !== undefined && { reservedConcurrency }),
    ...(schedule !== undefined && { schedule }),
    environment: { ...config.environment, ...environment },
  };
}
