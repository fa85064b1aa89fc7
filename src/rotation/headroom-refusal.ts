import { UserError } from '../errors.ts';
import type { Headroom } from './headroom.ts';

/**
 * @param options accept: as `--accept-headroom`
 * @throws UserError NO_HEADROOM
 */
export function verifyHeadroom(headroom: Headroom, options: { readonly accept?: boolean } = {}): void {
  if (headroom.fits || options.accept) return;
  throw new UserError('NO_HEADROOM', headroom.message, { suggestions: suggest(headroom) });
}

function suggest({ waves, proxyShare, needed, available }: Headroom): readonly string[] {
  const tooMany = needed > available ? ` (${needed - available} connections too many)` : '';
  return [
    ...(waves === undefined
      ? []
      : [
          `--canary ${waves.join(',')} --soak 45m: waves, so that the environments of one are gone before the next (AWS promises no time for that)`,
        ]),
    proxyShare === undefined
      ? `reserve less concurrency for the functions${tooMany}`
      : `lower maxConnectionsPercent of the proxy${tooMany}`,
    'rotate when there is less traffic, or take a larger instance class',
    'accept connection errors (53300) under load with --accept-headroom',
  ];
}
