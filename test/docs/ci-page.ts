import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { repository } from '../e2e/cli.ts';

/** The fenced blocks of one language in docs/ci.md. */
export async function readBlocks(language: 'json' | 'sh' | 'yaml'): Promise<string[]> {
  const text = await readFile(join(repository, 'docs/ci.md'), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block = '']) => block,
  );
}

/** A step of a job that runs a script. */
export interface ScriptStep {
  readonly name: string;
  readonly script: string;
  /** Names of the variables that the step sets for itself. */
  readonly variables: readonly string[];
}

export interface CheckedWorkflow {
  /** What GitHub's own parser has against it. */
  readonly errors: readonly string[];
  /** By job. */
  readonly scripts: ReadonlyMap<string, readonly ScriptStep[]>;
}

type WorkflowParser = typeof import('@actions/workflow-parser');

/** It imports its schema as only a bundler can, so it is bundled first. */
async function loadParser(): Promise<WorkflowParser> {
  const folder = await mkdtemp(join(tmpdir(), 'lambdapg-parser-'));
  const outfile = join(folder, 'workflow-parser.cjs');
  try {
    await build({
      entryPoints: ['@actions/workflow-parser'],
      absWorkingDir: repository,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile,
    });
    return createRequire(import.meta.url)(outfile) as WorkflowParser;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const parser = loadParser();

/** Reads a workflow by GitHub's own parser and schema. */
export async function checkWorkflow(content: string): Promise<CheckedWorkflow> {
  const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await parser;
  const file = { name: '.github/workflows/lambdapg.yml', content };
  const { context, value } = parseWorkflow(file, new NoOperationTraceWriter());
  const findErrors = () => context.errors.getErrors().map(({ message }) => message);
  if (value === undefined || context.errors.count > 0) return { errors: findErrors(), scripts: new Map() };
  const { jobs } = await convertWorkflowTemplate(context, value);
  const scripts = new Map<string, ScriptStep[]>();
  for (const job of jobs) {
    if (job.type !== 'job') continue;
    const steps = job.steps.flatMap((step): ScriptStep[] => {
      if (!('run' in step)) return [];
      const variables = step.env?.assertMapping('env') ?? [];
      return [
        {
          name: String(step.name ?? ''),
          script: step.run.toString(),
          variables: [...variables].map(({ key }) => key.toString()),
        },
      ];
    });
    scripts.set(job.id.value, steps);
  }
  return { errors: findErrors(), scripts };
}
