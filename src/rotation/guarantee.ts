import {
  type AnyStrategy,
  type Claim,
  type ConsumerWay,
  claims,
  type Guarantee,
  guarantees,
  type Topology,
} from './guarantee-table.ts';

export interface Circumstances {
  readonly topology: Topology;
  readonly strategy: AnyStrategy;
  readonly way: ConsumerWay;
}

/** What may be said of a rotation for one consumer. */
export function guaranteeOf({ topology, strategy, way }: Circumstances): Guarantee {
  const found = guarantees.find(
    (row) => row.strategy === strategy && row.topologies.includes(topology) && row.ways.includes(way),
  );
  if (found === undefined) throw new Error(`no guarantee for ${topology}, ${strategy}, ${way}`);
  return found;
}

/** A rotation is as good as the worst of its consumers; without any it is as good as the connection module's. */
export function weakestGuarantee(
  topology: Topology,
  strategy: AnyStrategy,
  ways: readonly ConsumerWay[],
): Guarantee {
  const rows = (ways.length === 0 ? (['module'] as const) : ways).map((way) =>
    guaranteeOf({ topology, strategy, way }),
  );
  return rows.reduce((worst, row) => (claims.indexOf(row.claim) > claims.indexOf(worst.claim) ? row : worst));
}

/** In words, for reports. */
export const claimText: Readonly<Record<Claim, string>> = {
  zero: 'no request fails because of the rotation',
  'zero-expected': 'no request is expected to fail because of the rotation; this was never measured on AWS',
  delayed: 'requests may wait, and do not fail',
  window: 'requests fail for a while',
  none: 'nothing is claimed',
};
