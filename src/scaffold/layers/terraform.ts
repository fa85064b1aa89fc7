import { type Choices, isManaged } from '../../project/choices.ts';

/** Terraform's layers, of plain HCL: each file is there or is not, or is another one of the same name. */
export function terraformLayers(choices: Choices): readonly string[] {
  const { language, packaging } = choices;
  return [
    'base',
    language,
    ...(packaging === 'layer' ? ['layer'] : []),
    ...(isManaged(choices) ? managedLayers(choices) : ['outside', choices.database]),
  ].map((layer) => `terraform/${layer}`);
}

function managedLayers(choices: Choices): string[] {
  const { database, proxy, auth, network, reader } = choices;
  return [
    'private',
    network,
    ...(network === 'isolated' && auth === 'secret' ? ['endpoint'] : []),
    ...[database, auth],
    // Of Aurora alone: see src/project/crossings.ts.
    ...(reader ? ['aurora-reader'] : []),
    ...(proxy ? ['proxy', `proxy-${auth}`, `proxy-${database}`] : ['direct']),
    ...(reader ? [proxy ? 'proxy-reader' : 'direct-reader'] : []),
  ];
}
