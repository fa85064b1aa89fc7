import type { Engine, Verdict } from '../../src/provision/settle.ts';
import type { Found, Step } from '../../src/provision/step.ts';
import { FakeClock } from '../rotation/fake-clock.ts';

/** What happens to one request that changes something. */
export type Fault = 'throttled' | 'lost-before' | 'lost-after' | 'killed-before' | 'killed-after';
export const everyFault: readonly Fault[] = [
  'throttled',
  'lost-before',
  'lost-after',
  'killed-before',
  'killed-after',
];

interface Resource {
  readonly name: string;
  readonly owner: string;
  colour: string;
  /** Looks until it is ready, and until it is to be seen at all. */
  readsToReady: number;
  readsToSee: number;
  goingFor?: number;
}

/** The end of the process: nothing after it is done by that run. */
export class Killed extends Error {}
class CloudError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** A cloud in a map: names that are unique or not, states between, answers that get lost. */
export class ToyCloud {
  readonly resources: Resource[] = [];
  /** Of each effect that took place: `create a`, `remove b`. */
  readonly effects: string[] = [];
  readonly lag: number;
  #requests = 0;
  #dead = false;
  readonly #faults: ReadonlyMap<number, Fault>;

  /** @param faults by the number of the changing request, counted over all runs */
  constructor(faults: ReadonlyMap<number, Fault> = new Map(), lag = 0) {
    this.#faults = faults;
    this.lag = lag;
  }

  get requests(): number {
    return this.#requests;
  }

  revive(): void {
    this.#dead = false;
  }

  change(what: string, effect: () => void): void {
    if (this.#dead) throw new Killed();
    const fault = this.#faults.get(this.#requests);
    this.#requests += 1;
    if (fault === 'throttled') throw new CloudError('Throttling');
    if (fault === 'lost-before') throw new CloudError('ECONNRESET');
    if (fault === 'killed-before') this.#die();
    effect();
    this.effects.push(what);
    if (fault === 'lost-after') throw new CloudError('ECONNRESET');
    if (fault === 'killed-after') this.#die();
  }

  #die(): never {
    this.#dead = true;
    throw new Killed();
  }

  see(name: string): Resource | undefined {
    if (this.#dead) throw new Killed();
    const resource = this.resources.find((one) => one.name === name);
    if (resource === undefined) return undefined;
    if (resource.readsToSee > 0) {
      resource.readsToSee -= 1;
      return undefined;
    }
    if (resource.goingFor !== undefined) {
      if (resource.goingFor === 0) this.resources.splice(this.resources.indexOf(resource), 1);
      else resource.goingFor -= 1;
      return resource.goingFor === undefined ? undefined : resource;
    }
    if (resource.readsToReady > 0) resource.readsToReady -= 1;
    return resource;
  }
}

export type Look = 'look';

/** Time passes only where the engine sleeps. */
export const engineOf = (): Engine<Look> => ({
  look: () => 'look',
  judge: (error): Verdict => {
    if (!(error instanceof CloudError)) throw error;
    if (error.code === 'Throttling' || error.code === 'InUse') return 'again';
    if (error.code === 'ECONNRESET') return 'lost';
    if (error.code === 'AlreadyExists') return 'exists';
    return error.code === 'NotFound' ? 'gone' : 'fatal';
  },
  explain: (error) => error,
  clock: new FakeClock(),
});

/** A step of the toy cloud. `unique`: a second of the name is refused, as by RDS; not, as by CreateVpc. */
export function toyStep(
  cloud: ToyCloud,
  name: string,
  needs: readonly Step<Look>[],
  { unique = true, colour = 'red', readsToReady = 1 } = {},
): Step<Look, { readonly name: string }> {
  return {
    id: name,
    title: `resource ${name}`,
    needs,
    async find(): Promise<Found<{ readonly name: string }>> {
      const resource = cloud.see(name);
      if (resource === undefined) return { state: 'absent' };
      if (resource.owner !== 'us') return { state: 'foreign', why: `${name} is not ours` };
      const have = { name };
      if (resource.goingFor !== undefined) return { state: 'pending', why: 'deleting' };
      if (resource.readsToReady > 0) return { state: 'pending', have, why: 'creating' };
      if (resource.colour === colour) return { state: 'ready', have };
      const differences = [{ property: 'colour', have: resource.colour, want: colour, changeable: true }];
      return { state: 'drifted', have, differences };
    },
    async create(haves) {
      for (const need of needs) haves.get(need);
      cloud.change(`create ${name}`, () => {
        if (unique && cloud.resources.some((one) => one.name === name)) throw new CloudError('AlreadyExists');
        cloud.resources.push({ name, owner: 'us', colour, readsToReady, readsToSee: cloud.lag });
      });
    },
    async update() {
      cloud.change(`update ${name}`, () => {
        const resource = cloud.resources.find((one) => one.name === name);
        if (resource !== undefined) resource.colour = colour;
      });
    },
    async remove() {
      cloud.change(`remove ${name}`, () => {
        const resource = cloud.resources.find((one) => one.name === name);
        if (resource === undefined) throw new CloudError('NotFound');
        if (cloud.resources.some((one) => needsOf(one.name).includes(name))) throw new CloudError('InUse');
        resource.goingFor = 1;
      });
    },
  };

  function needsOf(other: string): readonly string[] {
    return needsByName.get(cloud)?.get(other) ?? [];
  }
}

/** Who needs whom, so that a removal in the wrong order is refused. */
const needsByName = new WeakMap<ToyCloud, Map<string, readonly string[]>>();

export function toyPlan(cloud: ToyCloud, options: { unique?: boolean; colour?: string } = {}): Step<Look>[] {
  const a = toyStep(cloud, 'a', [], options);
  const b = toyStep(cloud, 'b', [a], options);
  const c = toyStep(cloud, 'c', [a], options);
  const d = toyStep(cloud, 'd', [b, c], options);
  const steps = [a, b, c, d];
  needsByName.set(cloud, new Map(steps.map(({ id, needs }) => [id, needs.map((need) => need.id)])));
  return steps;
}
