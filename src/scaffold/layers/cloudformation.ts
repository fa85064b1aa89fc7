import { type Choices, isManaged } from '../../project/choices.ts';

/** The variations that Serverless and SAM share: both write CloudFormation, and have layers of the same names. Pure. */
export function cloudformationLayers(choices: Choices): readonly string[] {
  const { database, packaging } = choices;
  const packages = packaging === 'layer' ? ['layer'] : [];
  return [...packages, ...(isManaged(choices) ? managedLayers(choices) : [database])];
}

function managedLayers({ database, proxy, auth, network, reader }: Choices): readonly string[] {
  const front = proxy ? 'proxy' : 'direct';
  const isolatedSecret = network === 'isolated' && auth === 'secret';
  return [
    'managed',
    ...(network === 'existing' ? ['existing'] : ['vpc']),
    ...(network === 'nat' ? ['nat'] : []),
    ...(network === 'isolated' ? [] : ['internet']),
    ...(isolatedSecret ? ['endpoint'] : []),
    database,
    auth,
    front,
    ...(auth === 'iam' ? [`${front}-iam-${database}`] : proxy ? ['proxy-secret'] : []),
    ...(reader ? readerLayers(`${database}-reader`, proxy) : []),
  ];
}

/** A replica of an RDS instance has no endpoint at the proxy, and functions behind a proxy reach nothing but the proxy. */
function readerLayers(reader: string, proxy: boolean): readonly string[] {
  if (!proxy) return [reader, `${reader}-direct`];
  return reader === 'aurora-reader' ? [reader, `${reader}-proxy`] : [reader];
}
