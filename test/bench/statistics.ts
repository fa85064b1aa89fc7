/** The value below which `share` (0 to 1) of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The median of the ratios of pairs: what disturbs both halves of a pair cancels out. */
export function pairedRatio(subject: readonly number[], peer: readonly number[]): number {
  return median(subject.map((value, index) => value / (peer[index] ?? Number.NaN)));
}

export interface Pairs<A, B> {
  readonly subject: readonly A[];
  readonly peer: readonly B[];
}

/** Measures both `n` times in turn, each going first every other time, after one round that does not count. */
export async function measurePairs<A, B>(
  n: number,
  subject: () => Promise<A>,
  peer: () => Promise<B>,
): Promise<Pairs<A, B>> {
  const found: { subject: A[]; peer: B[] } = { subject: [], peer: [] };
  for (let round = 0; round <= n; round += 1) {
    const peerFirst = round % 2 === 0 ? await peer() : undefined;
    const measured = await subject();
    const other = peerFirst ?? (await peer());
    if (round === 0) continue;
    found.subject.push(measured);
    found.peer.push(other);
  }
  return found;
}
