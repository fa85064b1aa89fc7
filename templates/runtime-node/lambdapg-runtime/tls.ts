// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from './aws-signature.ts';

/** The chain and the name are always verified; `ca` (PEM) replaces Node's own authorities. `false`: no TLS. */
export type Tls = { readonly ca?: string } | false;

/** @param faults what is wrong with PGSSLMODE or PGSSLROOTCERT is added */
export function readTls(env: Environment, faults: string[]): Tls {
  const mode = env.PGSSLMODE || 'verify-full';
  if (mode === 'disable') return false;
  if (mode !== 'verify-full') {
    const why = 'does not verify which server answers';
    faults.push(`PGSSLMODE=${mode} ${why}: use verify-full, with PGSSLROOTCERT for a private CA`);
  }
  const file = env.PGSSLROOTCERT || 'system';
  if (file === 'system') return {};
  try {
    // A file that was deployed beside the code, wherever Lambda puts that.
    return { ca: readFileSync(resolve(env.LAMBDA_TASK_ROOT ?? '', file), 'utf8') };
  } catch (error) {
    faults.push(`PGSSLROOTCERT=${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return {};
  }
}

const unknownAuthority = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/** What to add to the reason why there is no connection: RDS has authorities that no system knows, its proxy has not. */
export function certificateAdvice(error: unknown, host: string, tls: Tls): string {
  const { code = '' } = error as { code?: string };
  const isRds = /\.rds\.amazonaws\.com(\.cn)?$/i.test(host);
  if (!isRds || tls === false || tls.ca !== undefined || !unknownAuthority.includes(code)) return '';
  return ": without a proxy, RDS needs Amazon's bundle of certificates in PGSSLROOTCERT";
}
