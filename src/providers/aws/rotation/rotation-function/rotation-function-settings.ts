import { parseObject } from '../../../../../templates/runtime-node/lambdapg-runtime/credential-text.ts';
import { UserError } from '../../../../errors.ts';

/** What the rotation function is told by its environment, in one variable. Nothing of it is a secret. */
export interface RotationSettings {
  /** `shop-dev`: names the lease, as `rotate-creds` does. */
  readonly id: string;
  /** ARN of what the consumers read; no other is touched. */
  readonly secret: string;
  /** ARN of the master user's. */
  readonly adminSecret: string;
  readonly database: string;
  readonly ownerRole: string;
  /** What a slot acts as. */
  readonly appRole: string;
  readonly slots: { readonly a: string; readonly b: string };
  /** The writer first, then each reader by its own name. */
  readonly endpoints: readonly PlaceSetting[];
  readonly proxyEndpoints: readonly PlaceSetting[];
  /** Behind RDS Proxy: ARNs. */
  readonly slotSecrets?: { readonly a: string; readonly b: string };
  /** The longest cache and function timeout: for so long after a rotation the old login may be in use. */
  readonly drainSeconds: number;
}

export interface PlaceSetting {
  readonly title: string;
  readonly host: string;
  readonly port: number;
}

export const settingsVariable = 'LAMBDAPG_ROTATION_SETTINGS';

/** The tag of a function that lambdapg wrote for this; its value is `<project>-<stage>`. */
export const rotationFunctionTag = 'lambdapg:rotation-function';

/** Name of the function, and of its role: `<project>-<stage>-rotation`. */
export const rotationResource = 'rotation';

const texts = ['id', 'secret', 'adminSecret', 'database', 'ownerRole', 'appRole'] as const;

/** @throws UserError BAD_ROTATION_SETTINGS */
export function parseRotationSettings(text: string | undefined): RotationSettings {
  const settings = parseObject(text ?? '') as Partial<RotationSettings>;
  const missing = [
    ...texts.filter((name) => typeof settings[name] !== 'string' || settings[name] === ''),
    ...(settings.slots?.a === undefined || settings.slots.b === undefined ? ['slots'] : []),
    ...((settings.endpoints ?? []).length === 0 ? ['endpoints'] : []),
    ...(typeof settings.drainSeconds === 'number' ? [] : ['drainSeconds']),
  ];
  if (missing.length === 0) return { proxyEndpoints: [], ...settings } as RotationSettings;
  throw new UserError('BAD_ROTATION_SETTINGS', `variable ${settingsVariable} lacks ${missing.join(', ')}`, {
    suggestions: ['lambdapg rotate-creds --emit-lambda <folder> writes it anew, in function.json'],
  });
}
