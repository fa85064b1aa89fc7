import type { strategies } from './decide/decision.ts';

export type AnyStrategy = (typeof strategies)[number];

/** What lies between a consumer and the database. `readers`: some read from replicas, without a proxy. */
export const topologies = ['direct', 'readers', 'proxy'] as const;
export type Topology = (typeof topologies)[number];

/** How a consumer comes by its login. `alias`, `latest`: environment variables, with or without versions of one's own. */
export const consumerWays = ['module', 'cached', 'alias', 'latest', 'start', 'copy'] as const;
export type ConsumerWay = (typeof consumerWays)[number];

/**
 * `zero`: no request fails because of the rotation. `zero-expected`: neither, as far as it was tested; something that was never
 * measured on AWS stands between. `delayed`: requests wait and do not fail. `window`: requests fail for a while. `none`:
 * nothing is claimed.
 */
export const claims = ['zero', 'zero-expected', 'delayed', 'window', 'none'] as const;
export type Claim = (typeof claims)[number];

export interface Guarantee {
  readonly topologies: readonly Topology[];
  readonly strategy: AnyStrategy;
  readonly ways: readonly ConsumerWay[];
  readonly claim: Claim;
  /** What each run shows for it, without which nothing is claimed. */
  readonly proof: string;
  readonly why: string;
}

const everyWay = ['module', 'cached', 'alias', 'latest', 'start', 'copy'] as const;
const held = ['alias', 'latest', 'start'] as const;

/**
 * Every topology, strategy and way exactly once; docs/rotation.md prints it. "Zero" was measured on the bed: real PostgreSQL 15
 * to 18 and Lambda's own protocol under an open load, not AWS itself.
 */
export const guarantees: readonly Guarantee[] = [
  {
    topologies: ['direct', 'readers'],
    strategy: 'slots',
    ways: ['module'],
    claim: 'zero',
    proof:
      'logins at every endpoint before the shift; the role of a new connection after it; sessions by slot',
    why: 'both logins work until nobody uses the old one, and the module reads the secret again by its age and when it is refused',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'slots',
    ways: ['alias'],
    claim: 'zero',
    proof:
      'logins at every endpoint; a probe of the new version before it gets traffic; its errors at each share; sessions by slot',
    why: 'a version keeps its variables: old and new run side by side, each with a login that works',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'slots',
    ways: ['latest'],
    claim: 'zero',
    proof:
      'logins at every endpoint; an update that ended in Successful; an invocation after it; sessions by slot',
    why: 'running invocations finish with the old login, which works; there is no share to try first',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'slots',
    ways: ['start'],
    claim: 'zero',
    proof:
      'logins at every endpoint; the marker of the new configuration; an invocation after it; sessions by slot',
    why: 'a change of configuration makes new environments, which read the secret anew',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'slots',
    ways: ['cached', 'copy'],
    claim: 'zero',
    proof: 'logins at every endpoint; no session of the old login was opened after the cache time',
    why: 'only when it reads both user and password again within the time that lambdapg.json gives (cacheSeconds)',
  },
  {
    topologies: ['proxy'],
    strategy: 'slots',
    ways: everyWay,
    claim: 'zero-expected',
    proof:
      "five logins in a row through each endpoint of the proxy, over ten seconds; consumers' answers; time",
    why: "when a proxy notices a changed secret is documented nowhere and was never measured; the database's sessions are the proxy's own, so they prove no drain",
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'next',
    ways: ['module'],
    claim: 'zero',
    proof: "the module's answer that it may read AWSPENDING; logins at every endpoint",
    why: 'every new connection that is refused tries the other password: one refused login for each environment',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'next',
    ways: held,
    claim: 'delayed',
    proof: 'variables.next of every version in use, and the time that invocations without it may last',
    why: 'only when the code tries variables.next when its password is refused; lambdapg cannot see that it does',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'next',
    ways: ['cached', 'copy'],
    claim: 'window',
    proof: 'none',
    why: 'it knows one password, and that is the wrong one from the change until it reads again; refused without --accept-window',
  },
  {
    topologies: ['proxy'],
    strategy: 'next',
    ways: everyWay,
    claim: 'none',
    proof: 'none',
    why: 'a proxy reads AWSCURRENT alone, so the next password cannot be tried through it; two slots can',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'single',
    ways: ['module'],
    claim: 'delayed',
    proof: 'logins after the change; the retries of the module',
    why: 'it asks again until the secret names the new password, for at most ten seconds; readers lag on top',
  },
  {
    topologies: ['direct', 'readers'],
    strategy: 'single',
    ways: ['cached', 'alias', 'latest', 'start', 'copy'],
    claim: 'window',
    proof: 'none',
    why: 'one login has one password: new connections fail from its change until the consumer has the new one; --accept-window',
  },
  {
    topologies: ['proxy'],
    strategy: 'single',
    ways: everyWay,
    claim: 'none',
    proof: 'none',
    why: 'the proxy and the consumers learn of the new password at times that nobody documents',
  },
  {
    topologies: ['direct', 'readers', 'proxy'],
    strategy: 'managed',
    ways: ['module'],
    claim: 'delayed',
    proof: 'SecretStatus active again, and a login with the new value',
    why: 'RDS changes password and secret itself, in less than a minute as a rule; the module tries both and waits for at most ten seconds',
  },
  {
    topologies: ['direct', 'readers', 'proxy'],
    strategy: 'managed',
    ways: ['cached', 'alias', 'latest', 'start', 'copy'],
    claim: 'window',
    proof: 'SecretStatus active again, and a login with the new value',
    why: 'the master user is for administration; what uses it otherwise is refused until it reads the secret again',
  },
];
