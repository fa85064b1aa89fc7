import type { Choices } from '../../project/choices.ts';
import { cloudformationLayers } from './cloudformation.ts';

export function samLayers(choices: Choices): readonly string[] {
  return ['base', choices.language, ...cloudformationLayers(choices)].map((layer) => `sam/${layer}`);
}
