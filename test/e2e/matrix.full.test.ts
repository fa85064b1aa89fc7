import { templates } from '../../src/scaffold/catalog.ts';
import { pairwiseCrossings, titleOf } from '../templates/crossings.ts';
import { describeMatrix } from './matrix-suite.ts';

const flagsOf = (crossing: object): string[] =>
  Object.entries(crossing).map(([name, value]) =>
    typeof value === 'boolean' ? `--${value ? '' : 'no-'}${name}` : `--${name}=${value}`,
  );

const addOn = ['--heroku-addon', 'postgresql-round-12345'];
const presets: readonly (readonly [title: string, flags: readonly string[]])[] = [
  ...templates.map(
    ({ id }) => [id, ['--template', id, ...(id === 'serverless-heroku' ? addOn : [])]] as const,
  ),
  // A template's other language: `cdk-isolated-proxy` has a Node twin.
  ['cdk-isolated-proxy in Node', ['--template', 'cdk-isolated-proxy', '--language', 'node']],
  ['api on Node 22', ['--template', 'api', '--runtime', 'nodejs22.x']],
];
const crossings = pairwiseCrossings().map((crossing) => [titleOf(crossing), flagsOf(crossing)] as const);

describeMatrix(new Map([...presets, ...crossings]));
