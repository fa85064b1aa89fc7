import type { Choices } from '../../project/choices.ts';

export function cdkLayers(_choices: Choices): readonly string[] {
  return ['cdk/base'];
}
