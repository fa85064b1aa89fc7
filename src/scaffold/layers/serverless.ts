import type { Choices } from '../../project/choices.ts';
import { cloudformationLayers } from './cloudformation.ts';

export function serverlessLayers(choices: Choices): readonly string[] {
  return ['base', ...cloudformationLayers(choices)].map((layer) => `serverless/${layer}`);
}
