import type { Engine } from './engine.ts';
import type { EngineStage } from './tool.ts';

/** Serverless, by its free fork osls: the service of serverless.yml. */
export const serverless: Engine = {
  title: 'Serverless (osls)',
  tool: {
    file: 'osls',
    folder: '.',
    versionArgs: ['--version'],
    // Serverless Framework 4, which is proprietary and asks for a login, says "Serverless ϟ Framework 4…".
    readVersion: (printed) => /^osls version: ([\d.]+)/m.exec(printed)?.[1],
    range: '^4.3.1',
    npmPackage: 'osls',
    install: [
      "Serverless Framework's own `serverless` is not taken: version 4 is proprietary and asks for a login",
    ],
  },
  async deploy(tool, stage) {
    await tool.run(['deploy', ...argsOf(stage)]);
  },
  async destroy(tool, stage) {
    await tool.run(['remove', ...argsOf(stage)]);
  },
};

const argsOf = ({ stage, region, vpcId }: EngineStage): string[] => [
  ...['--stage', stage, '--region', region],
  ...(vpcId === undefined ? [] : ['--param', `vpcId=${vpcId}`]),
];
