import type { Choices } from '../../project/choices.ts';

export function samLayers(_choices: Choices): readonly string[] {
  return ['sam/base'];
}
