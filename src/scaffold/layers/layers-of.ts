import type { Choices, EngineKind } from '../../project/choices.ts';
import { cdkLayers } from './cdk.ts';
import { samLayers } from './sam.ts';
import { serverlessLayers } from './serverless.ts';
import { terraformLayers } from './terraform.ts';

const engineLayers: Readonly<Record<EngineKind, (choices: Choices) => readonly string[]>> = {
  none: () => [],
  cdk: cdkLayers,
  terraform: terraformLayers,
  serverless: serverlessLayers,
  sam: samLayers,
};

/** The folders of `templates/` that make a project, bottom first. Pure. */
export function layersOf(choices: Choices): readonly string[] {
  return ['base', 'library', ...languageLayers(choices), ...engineLayers[choices.engine](choices)];
}

function languageLayers({ language, framework }: Choices): readonly string[] {
  if (language === 'python') {
    return ['python', 'runtime-python', framework === 'fastapi' ? 'api-fastapi' : 'api-python'];
  }
  return ['node', 'runtime-node', 'api-node', ...(framework === 'hono' ? ['api-hono'] : [])];
}
