import type { Choices } from '../../project/choices.ts';

export function terraformLayers(_choices: Choices): readonly string[] {
  return ['terraform/base'];
}
