import type { FunctionPackage } from '../../../project/package/package-functions.ts';

/** What `deploy` brings along; without it the steps of functions can be looked at and removed, not made. */
export interface Deployment {
  /** Of every function that is deployed. */
  readonly packages: ReadonlyMap<string, FunctionPackage>;
  /** Asks a new version before anybody else does. @throws UserError when it does not answer well */
  verifyVersion(name: string, version: string): Promise<void>;
}

/** The alias that everything outside calls. */
export const liveAlias = 'live';

export function getPackage(deployment: Deployment | undefined, name: string): FunctionPackage {
  const found = deployment?.packages.get(name);
  if (found === undefined) throw new Error(`no package was made of function ${name}`);
  return found;
}
