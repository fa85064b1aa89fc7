import type { Choices } from '../../project/choices.ts';

export function serverlessLayers(_choices: Choices): readonly string[] {
  return ['serverless/base'];
}
