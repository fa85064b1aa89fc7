import type { EngineKind } from '../project/choices.ts';
import { cdk } from './cdk.ts';
import type { Engine } from './engine.ts';
import { sam } from './sam.ts';
import { serverless } from './serverless.ts';
import { terraform } from './terraform.ts';

/** The programs that make a project's resources; `none`: lambdapg itself does. */
export const engines: Readonly<Record<Exclude<EngineKind, 'none'>, Engine>> = {
  cdk,
  terraform,
  serverless,
  sam,
};

/** The engine of a project; undefined where lambdapg's own provision and deploy are. */
export const findEngine = (kind: EngineKind): Engine | undefined =>
  kind === 'none' ? undefined : engines[kind];
