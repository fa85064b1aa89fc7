import type { Owner, TargetFacts, WiringFault } from '../../../provision/wiring-facts.ts';
import type { Login } from '../steps/login.ts';

/** What a proxy must be given so that it takes the login. */
export interface ProxyExtension {
  readonly name: string;
  readonly roleName: string;
  readonly secretArn: string;
  readonly owner?: Owner;
}

/** A database with all that attaching to it takes. */
export interface AttachTarget {
  readonly facts: TargetFacts;
  /** For people: `RDS instance orders`. */
  readonly title: string;
  /** The authority that signs its certificate, when it is none that every system trusts. */
  readonly ca?: string;
  /** The secret that a function may read, with the key of its own that encrypts it. */
  readonly secret?: { readonly arn: string; readonly keyArn?: string };
  /** `arn:…:dbuser:…`, with IAM. */
  readonly loginArn?: string;
  /** From a URL: becomes a secret for each function. */
  readonly newLogin?: Login;
  readonly proxy?: ProxyExtension;
  readonly faults: readonly WiringFault[];
  readonly warnings: readonly string[];
}

export interface TargetChoice {
  /** `stage:<name>`, an id of RDS, or `instance:`, `cluster:`, `proxy:` and an id. */
  readonly to?: string | undefined;
  readonly databaseUrl?: string | undefined;
  /** Name or ARN. */
  readonly secret?: string | undefined;
  readonly iamUser?: string | undefined;
  readonly databaseName?: string | undefined;
}
