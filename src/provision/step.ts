/** One way in which a resource is not as `lambdapg.json` wants it. */
export interface Difference {
  /** In the vendor's words: `DBInstanceClass`. */
  readonly property: string;
  readonly have: string;
  readonly want: string;
  /** False when it cannot be changed in place: a person has to decide. */
  readonly changeable: boolean;
}

/** What a look at one resource says. `have`: what other steps need of it (ids, ARNs, endpoints), never a secret. */
export type Found<Have> =
  | { readonly state: 'absent' }
  | { readonly state: 'pending'; readonly have?: Have; readonly why: string }
  | { readonly state: 'ready'; readonly have: Have }
  | { readonly state: 'drifted'; readonly have: Have; readonly differences: readonly Difference[] }
  /** The name is taken by something that is not ours: never adopted, changed or deleted. */
  | { readonly state: 'foreign'; readonly why: string }
  /** It cannot be seen from here (no route to a private database yet). */
  | { readonly state: 'unverified'; readonly why: string };

/** What is known of the steps that a step needs. */
export interface Haves {
  /** @throws Error when `step` is not ready: it is missing from `needs` */
  get<Have>(step: Step<never, Have>): Have;
}

/**
 * One resource of the plan. The world is the state: `find` looks by deterministic name and tags, nothing is remembered.
 *
 * `Look` is a fresh view of the world that all finds of one survey share.
 */
export interface Step<Look, Have = unknown> {
  /** Kebab-case and stable: `database-instance`. */
  readonly id: string;
  /** For people: `RDS instance my-api-dev-db`. */
  readonly title: string;
  /** By id of the steps that must be ready before this one is created, and gone after it is removed. */
  readonly needs: readonly Step<Look>[];
  find(look: Look): Promise<Found<Have>>;
  /** Asks for it and returns; the engine waits. Safe to call again after a lost answer: see `apply`. */
  create(haves: Haves): Promise<void>;
  /** Changes what `find` reported as changeable. */
  update?(have: Have, haves: Haves, differences: readonly Difference[]): Promise<void>;
  /** Asks for its end and returns. Absent: it goes with another resource, or holds nothing. */
  remove?(have: Have): Promise<void>;
  /** How long it may take to become ready, or to go. */
  readonly patienceMs?: number;
}

/** Every step after all that it needs. A step is known by its id. @throws Error on a cycle, which is a bug */
export function inOrder<Look>(steps: readonly Step<Look>[]): Step<Look>[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const ordered = new Map<string, Step<Look>>();
  const visit = (id: string, path: readonly string[]): void => {
    const step = byId.get(id);
    if (step === undefined || ordered.has(id)) return;
    if (path.includes(id)) throw new Error(`steps need each other: ${[...path, id].join(' -> ')}`);
    for (const need of step.needs) visit(need.id, [...path, id]);
    ordered.set(id, step);
  };
  for (const { id } of steps) visit(id, []);
  return [...ordered.values()];
}

/** Steps of several plans as one: of those with the same id the first, with the needs of all. */
export function mergeSteps<Look>(steps: readonly Step<Look>[]): Step<Look>[] {
  const merged = new Map<string, Step<Look>>();
  for (const step of steps) {
    const first = merged.get(step.id);
    merged.set(step.id, first === undefined ? step : { ...first, needs: [...first.needs, ...step.needs] });
  }
  return [...merged.values()];
}

/** What a found resource gives to others, when it is there at all. */
export function haveOf<Have>(found: Found<Have>): Have | undefined {
  return 'have' in found ? found.have : undefined;
}
