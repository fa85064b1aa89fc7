import { exitCodes, UserError } from '../errors.ts';
import { type Difference, type Found, inOrder, type Step } from './step.ts';
import type { Survey } from './survey.ts';

export type ActionKind = 'create' | 'update' | 'wait' | 'verify' | 'keep' | 'refuse' | 'remove';

/** What is to be done about one resource. */
export interface Action {
  readonly step: string;
  readonly title: string;
  readonly kind: ActionKind;
  readonly why?: string;
  readonly differences?: readonly Difference[];
}

/** A value: shown, printed as JSON, approved, then applied as it is. */
export interface Plan {
  readonly actions: readonly Action[];
  /** Actions that would change or await something: 0 means that all is as wanted. */
  readonly changes: number;
}

/** Compares what is with what is wanted. Pure. */
export function planProvision<Look>(steps: readonly Step<Look>[], found: Survey): Plan {
  return planOf(
    inOrder(steps).map((step) => {
      const { id, title } = step;
      return { step: id, title, ...decide(found.get(id) ?? { state: 'absent' }) };
    }),
  );
}

/** What goes, in the order in which it must go. What is not there, or not ours, is left alone. Pure. */
export function planRemoval<Look>(steps: readonly Step<Look>[], found: Survey): Plan {
  return planOf(
    inOrder(steps)
      .reverse()
      .filter((step) => step.remove !== undefined)
      .flatMap((step): Action[] => {
        const { id, title } = step;
        const state = found.get(id) ?? { state: 'absent' };
        if (state.state === 'absent' || state.state === 'unverified') return [];
        if (state.state === 'foreign') return [{ step: id, title, kind: 'keep', why: state.why }];
        return [{ step: id, title, kind: 'remove' }];
      }),
  );
}

/** One plan after the other. */
export const joinPlans = (first: Plan, second: Plan): Plan => planOf([...first.actions, ...second.actions]);

function decide(found: Found<unknown>): Omit<Action, 'step' | 'title'> {
  switch (found.state) {
    case 'absent':
      return { kind: 'create' };
    case 'pending':
      return { kind: 'wait', why: found.why };
    case 'ready':
      return { kind: 'keep' };
    case 'unverified':
      return { kind: 'verify', why: found.why };
    case 'foreign':
      return { kind: 'refuse', why: found.why };
    case 'drifted': {
      const { differences } = found;
      const fixed = differences.filter(({ changeable }) => !changeable);
      if (fixed.length === 0) return { kind: 'update', differences };
      const why = fixed
        .map(({ property, have, want }) => `${property} is ${have}, wanted ${want}`)
        .join('; ');
      return { kind: 'refuse', why: `${why}: this cannot be changed in place`, differences };
    }
  }
}

const planOf = (actions: readonly Action[]): Plan => ({
  actions,
  changes: actions.filter(({ kind }) => kind !== 'keep').length,
});

/**
 * Whether the world still asks for no more than what was approved; less is fine.
 *
 * @throws UserError PLAN_CHANGED (exit 75) naming what is new
 */
export function verifyApproved(approved: Plan, now: Plan): void {
  const allowed = new Map(approved.actions.map(({ step, kind }) => [step, kind]));
  const news = now.actions.filter(({ step, kind }) => {
    if (kind === 'keep' || kind === 'wait' || kind === 'verify') return false;
    const before = allowed.get(step);
    // What was to be made and exists by now may still want its last change.
    return before !== kind && before !== 'create' && before !== 'wait';
  });
  if (news.length === 0) return;
  const lines = news.map(({ title, kind }) => `  ${title}: ${kind}`);
  throw new UserError(
    'PLAN_CHANGED',
    `since the plan was shown, something else came to be done\n${lines.join('\n')}`,
    {
      exit: exitCodes.temporary,
      suggestions: ['run the command again and look at the new plan'],
    },
  );
}

/** @throws UserError PLAN_REFUSED naming every resource that stands in the way, before anything is created */
export function verifyPlan({ actions }: Plan): void {
  const refused = actions.filter(({ kind }) => kind === 'refuse');
  if (refused.length === 0) return;
  const lines = refused.map(({ title, why }) => `  ${title}: ${why}`);
  throw new UserError('PLAN_REFUSED', `nothing was changed, because of\n${lines.join('\n')}`, {
    suggestions: [
      'another --stage or project name avoids names that are taken',
      'lambdapg.json back to what exists removes a difference',
    ],
  });
}
