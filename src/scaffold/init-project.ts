import { join } from 'node:path';
import type { Context } from '../context.ts';
import { exitCodes, UserError } from '../errors.ts';
import { type Answers, configLayer, manifestLayer, valuesOf } from './answers.ts';
import type { Files } from './files.ts';
import { layersOf } from './layers/layers-of.ts';
import { packageCli } from './package-cli.ts';
import { readLayer } from './read-layer.ts';
import { render } from './render.ts';
import { withBase } from './upgrade/base.ts';
import { findObstacles, type Obstacles, writeProject } from './write-project.ts';

/** A project before it is written: what `--dry-run` shows. */
export interface PlannedProject {
  /** Absolute. */
  readonly directory: string;
  readonly files: Files;
  readonly obstacles: Obstacles;
}

/**
 * Reads the layers and renders them; touches no disk but to look at what stands in `directory` (absolute), and the cache.
 */
export async function planProject(
  context: Context,
  directory: string,
  answers: Answers,
): Promise<PlannedProject> {
  const layers = await Promise.all(
    layersOf(answers.choices).map((layer) => readLayer(join(context.packageDir, 'templates', layer))),
  );
  const cli = await packageCli(context);
  const rendered = render(
    [configLayer(answers), ...layers, manifestLayer(answers, cli.reference), cli.files],
    valuesOf(answers),
  );
  const files = withBase(rendered, context.version);
  return { directory, files, obstacles: await findObstacles(directory, files) };
}

/** @throws UserError DIRECTORY_NOT_EMPTY, listing what is in the way */
export function refuseObstacles({ directory, obstacles }: PlannedProject): void {
  if (obstacles.entries.length === 0) return;
  const shown = obstacles.entries.slice(0, 20).map((entry) => `  ${entry}`);
  const more = obstacles.entries.length > 20 ? [`  and ${obstacles.entries.length - 20} more`] : [];
  const lost = obstacles.overwritten.length;
  throw new UserError(
    'DIRECTORY_NOT_EMPTY',
    [`${directory} is not empty; in the way:`, ...shown, ...more].join('\n'),
    {
      exit: exitCodes.notDone,
      suggestions: [
        'choose another directory',
        lost === 0
          ? '--force adds the project to it (no file of the same name would be overwritten)'
          : `--force adds the project to it, overwriting ${lost} of these files: ${obstacles.overwritten.join(', ')}`,
      ],
    },
  );
}

/** @throws what `writeProject` throws; the project is there whole or not at all */
export async function createProject(context: Context, plan: PlannedProject): Promise<void> {
  await writeProject(plan.directory, plan.files, context.signal);
  context.report({
    type: 'files-written',
    message: `wrote ${plan.files.size} files to ${plan.directory}`,
    files: plan.files.size,
  });
}
