import { describe } from 'vitest';
import { describeApi } from './api-suite.ts';

describe.each([
  ['node', 'hono'],
  ['python', 'fastapi'],
] as const)('the api template in %s with %s', (language, framework) => {
  describeApi(language, framework);
});
