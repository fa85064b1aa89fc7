/**
 * Renews something from time to time, one renewal after the other. One that fails is made up by the next.
 *
 * @param renew heeds its signal, so that one which hangs leaves time for another
 * @returns ends it; afterwards none is under way: one that came late would bring back what was given up
 */
export function keepRenewed(
  renew: (signal: AbortSignal) => Promise<void>,
  { everyMs, patienceMs }: { readonly everyMs: number; readonly patienceMs: number },
): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  const timer = setInterval(() => {
    underWay ??= renew(AbortSignal.timeout(patienceMs))
      .catch(() => {})
      .finally(() => {
        underWay = undefined;
      });
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await underWay;
  };
}
