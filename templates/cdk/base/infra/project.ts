import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IConstruct } from 'constructs';

/** One function, as `lambdapg.json` describes it; its JSON Schema says what each key means. */
export interface FunctionAnswers {
  readonly handler: string;
  readonly timeoutSeconds?: number;
  readonly memoryMb?: number;
  readonly reservedConcurrency?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly routes?: readonly string[];
  readonly schedule?: string;
}

interface Project {
  readonly name: string;
  readonly language: 'node' | 'python';
  readonly runtime: string;
  readonly architecture: 'arm64' | 'x86_64';
  readonly packaging: 'zip' | 'layer';
  readonly postgres: { readonly version: number };
  readonly cloud: {
    readonly region?: string;
    readonly logRetentionDays: number;
    /** Read by `settings`. */
    readonly [part: string]: unknown;
  };
  readonly functions: Readonly<Record<string, FunctionAnswers>>;
}

const root = join(import.meta.dirname, '..');
const answers = JSON.parse(readFileSync(join(root, 'lambdapg.json'), 'utf8')) as Partial<Project> &
  Pick<Project, 'name' | 'language' | 'runtime' | 'functions'>;

/** The answers in `lambdapg.json`: functions, routes and sizes are changed there, the rest of the stack is here. */
export const project: Project = {
  architecture: 'arm64',
  packaging: 'zip',
  ...answers,
  postgres: { version: 17, ...answers.postgres },
  cloud: { logRetentionDays: 14, ...answers.cloud },
};

/** The project's name in SQL: the database's, and the beginning of its roles'. */
export const databaseName = project.name.replaceAll('-', '_');

/** A part of `cloud` in `lambdapg.json` on top of its defaults. */
export function settings<Part extends object>(part: 'database' | 'network' | 'proxy', defaults: Part): Part {
  return { ...defaults, ...(project.cloud[part] as Partial<Part> | undefined) };
}

/** Built by `npx lambdapg package`, which cdk.json runs before each synthesis. */
export const packagePath = (name: string): string => join(root, '.lambdapg', 'package', `${name}.zip`);

/** `-c stage=prod`; `dev` unless told. */
export function stageOf(construct: IConstruct): string {
  const stage: unknown = construct.node.tryGetContext('stage') ?? 'dev';
  if (typeof stage === 'string' && /^[a-z][a-z0-9]{0,11}$/.test(stage)) return stage;
  throw new Error(`"${String(stage)}" cannot name a stage: a letter, then letters or digits, 12 at the most`);
}
