import { describe } from 'vitest';
import { languages } from '../../src/project/choices.ts';
import { describeApi } from './api-suite.ts';

describe.each(languages)('the api template in %s', (language) => {
  describeApi(language);
});
