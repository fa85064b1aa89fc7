import type { Consumer, ConsumerRead, Proof, StoredLogin } from '../../../src/rotation/parts.ts';
import type { LoadTarget } from './load.ts';
import type { LoadClient, LoadFunction } from './load-functions.ts';
import type { LoadWorld } from './load-world.ts';

/** How long the longest request of a load may still use what it began with. */
const longestRequestMs = 1_000;

/** A function that reads the secret by itself. @param keepsMs how long it keeps what it has read */
export function followingConsumer(target: LoadTarget, client: LoadClient, keepsMs: number): Consumer {
  return {
    id: `function ${target.title}`,
    read: async ({ current }) => ({
      kind: 'follows',
      holds: current?.login,
      takesNext: client === 'module',
      ...{ staged: false, state: 'ready', drainMs: keepsMs + longestRequestMs },
    }),
    prove: () => prove(target),
  };
}

/** Asks for a new connection, as `rotate-creds` asks a deployed function. */
export async function prove(target: LoadTarget): Promise<Proof> {
  const result = await target.invoke(JSON.stringify({ 'lambdapg:probe': 1 }));
  if ('throttled' in result) return { ok: false, detail: 'throttled' };
  const text = result.payload.toString();
  const { user } = JSON.parse(text) as { user?: string };
  if (result.failure !== undefined || user === undefined) return { ok: false, detail: text };
  return { ok: true, user, detail: `new connection as ${user}` };
}

interface Version {
  readonly target: LoadTarget;
  readonly login: StoredLogin;
}

/**
 * A function whose environments keep one login for life, behind an alias: every change of the login is a new version, and the
 * alias divides the requests among two.
 */
export class AliasConsumer implements Consumer, LoadTarget {
  readonly title: string;
  readonly id: string;
  readonly #world: LoadWorld;
  readonly #client: 'environment' | 'start';
  /** Two versions may share the requests for a while; without it a version takes all of them at once, as with `$LATEST`. */
  readonly #staged: boolean;
  #live: Version;
  #added: (Version & { readonly percent: number }) | undefined;
  #versions = 0;
  readonly #calls: { readonly title: string; readonly at: number; readonly failed: boolean }[] = [];

  constructor(
    world: LoadWorld,
    title: string,
    { client = 'environment', staged = true }: { client?: 'environment' | 'start'; staged?: boolean } = {},
  ) {
    this.title = title;
    this.id = `function ${title}`;
    this.#world = world;
    this.#client = client;
    this.#staged = staged;
    this.#live = this.#publish(world.secret.current);
  }

  async invoke(payload: string): ReturnType<LoadTarget['invoke']> {
    const { target } = this.#choose();
    const result = await target.invoke(payload);
    const failed = !('throttled' in result) && result.failure !== undefined;
    this.#calls.push({ title: target.title, at: Date.now(), failed });
    return result;
  }

  async read(): Promise<ConsumerRead> {
    const { login, target } = this.#added ?? this.#live;
    return {
      ...{ kind: 'holds', holds: this.#live.login, takesNext: false, staged: this.#staged },
      ...{ state: 'ready', drainMs: longestRequestMs },
      ...(this.#added !== undefined && {
        added: {
          ...{ holds: login, percent: this.#added.percent },
          measure: async (sinceMs: number) => {
            const calls = this.#calls.filter(({ title, at }) => title === target.title && at >= sinceMs);
            return { calls: calls.length, errors: calls.filter(({ failed }) => failed).length };
          },
        },
      }),
    };
  }

  async shift({ login }: { readonly login: StoredLogin }, percent: number): Promise<void> {
    if (percent === 0) {
      this.#added = undefined;
      return;
    }
    const version = this.#added?.login === login ? this.#added : this.#publish(login);
    if (percent < 100) this.#added = { ...version, percent };
    else {
      this.#live = version;
      this.#added = undefined;
    }
  }

  prove(): Promise<Proof> {
    return prove(this.#live.target);
  }

  #choose(): Version {
    const { percent = 0 } = this.#added ?? {};
    return this.#added !== undefined && Math.random() * 100 < percent ? this.#added : this.#live;
  }

  #publish(login: StoredLogin): Version {
    this.#versions += 1;
    const title = this.#staged ? `${this.title}-${this.#versions}` : this.title;
    this.#world.serve(this.#function(title, login));
    return { target: this.#world.target(title), login };
  }

  #function(title: string, { user, password }: StoredLogin): LoadFunction {
    return { title, client: this.#client, variables: { PGUSER: user, PGPASSWORD: password.reveal() } };
  }
}
