import type { Effect } from './decide/decision.ts';

/** What an effect does, for people. */
export function describeEffect(effect: Effect): string {
  switch (effect.do) {
    case 'put-pending':
      return `store a new password for ${effect.user} as pending`;
    case 'set-password':
      return `give ${effect.user} its ${effect.of === 'slot-secret' ? "slot's" : effect.of} password in the database`;
    case 'put-slot-secret':
      return `give the proxy the ${effect.of} password of ${effect.user}`;
    case 'renew-slot-secret':
      return `give the proxy a password of ${effect.user} that nobody has`;
    case 'shift':
      return describeShift(effect);
    case 'give-next':
      return effect.on
        ? `give ${effect.consumer} the next password as a candidate`
        : `take the candidate from ${effect.consumer}`;
    case 'promote':
      return 'make the new login current';
    case 'prove':
      return `ask ${effect.consumer} for a new connection`;
    case 'retire':
      return effect.how === 'nologin'
        ? `let ${effect.user} log in no more`
        : `give ${effect.user} a password that nobody has`;
    case 'end-sessions':
      return effect.which === 'all'
        ? `end the sessions of ${effect.user}`
        : `end the sessions of ${effect.user} that nobody uses`;
    case 'clear-pending':
      return 'take the label AWSPENDING away';
  }
}

function describeShift({ consumer, to, percent }: Extract<Effect, { do: 'shift' }>): string {
  if (percent === 0) return `take the added share of ${consumer} back`;
  const login = to === 'pending' ? 'pending' : 'current';
  return percent === 100
    ? `give ${consumer} the ${login} login`
    : `give ${percent} % of ${consumer} the ${login} login`;
}
