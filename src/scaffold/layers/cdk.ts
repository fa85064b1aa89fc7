import { type Choices, isManaged } from '../../project/choices.ts';

/** The layers of an AWS CDK project, bottom first. */
export function cdkLayers(choices: Choices): readonly string[] {
  const { database, proxy, auth, network, language } = choices;
  const names = isManaged(choices)
    ? [
        'managed',
        network === 'isolated' && auth === 'secret' ? 'isolated-secret' : network,
        database,
        proxy ? `${auth}-proxy` : auth,
        ...(proxy ? ['proxy', `proxy-${database}`] : ['direct']),
      ]
    : [database];
  return ['base', language, ...names].map((name) => `cdk/${name}`);
}
