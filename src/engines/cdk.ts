import { UserError } from '../errors.ts';
import type { Engine } from './engine.ts';

/** Of `cdk diff`, which exits 1 for differences and for failures alike. */
const foundDifferences = /Number of stacks with differences: (\d+)/;

/** AWS CDK: the app of cdk.json, one stack for a stage. */
export const cdk: Engine = {
  title: 'AWS CDK',
  tool: {
    file: 'cdk',
    folder: '.',
    versionArgs: ['--version'],
    readVersion: (printed) => /^(\d+\.\d+\.\d+)/m.exec(printed)?.[1],
    range: '>=2.1148.1 <3',
    refused: {
      // npm's `latest` in November 2026, and what "^3" or ">=2" would take.
      '3.0.0':
        'aws-cdk 3.0.0 is older than its number, with the assembly schema of April 2025, and cannot read what aws-cdk-lib writes today',
    },
    npmPackage: 'aws-cdk',
    install: [],
  },
  async deploy(tool, { stack, stage, account, region }) {
    await tool.run(['deploy', stack, ...context(stage), '--require-approval', 'never'], {
      suggestions: [
        `npx cdk bootstrap aws://${account}/${region}, when CDK was never used in this account and region`,
      ],
    });
  },
  async plan(tool, { stack, stage }) {
    const { exitCode, all } = await tool.show(['diff', stack, ...context(stage), '--fail']);
    if (exitCode === 0) return false;
    if (Number(foundDifferences.exec(all)?.[1] ?? 0) > 0) return true;
    throw new UserError(
      'ENGINE_FAILED',
      `cdk diff ended with exit code ${exitCode}; its own words are above`,
    );
  },
  async destroy(tool, { stack, stage }) {
    await tool.run(['destroy', stack, ...context(stage), '--force']);
  },
};

const context = (stage: string): string[] => ['--context', `stage=${stage}`];
