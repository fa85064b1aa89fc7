// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from './aws-signature.ts';

/**
 * The chain and the name are verified; `ca` (PEM) replaces Node's own authorities. `verify: false` encrypts and takes any
 * server for the right one. `false`: no TLS.
 */
export type Tls = { readonly ca?: string; readonly verify?: false } | false;

/** @param faults what is wrong with PGSSLMODE or PGSSLROOTCERT is added */
export function readTls(env: Environment, faults: string[]): Tls {
  const mode = env.PGSSLMODE || 'verify-full';
  if (mode === 'disable') return false;
  if (mode === 'no-verify') {
    if (env.PGSSLROOTCERT)
      faults.push('PGSSLMODE=no-verify looks at no certificate: leave out PGSSLROOTCERT');
    const fault = explainNoVerify(env.PGHOST ?? '', { verify: false });
    if (fault !== undefined) faults.push(fault);
    return { verify: false };
  }
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

const isRds = (host: string): boolean => /\.rds\.amazonaws\.com(\.cn)?$/i.test(host);

/** Only for servers that sign their own certificates, as Heroku's: RDS and its proxy have some that can be verified. */
export function explainNoVerify(host: string, tls: Tls): string | undefined {
  if (tls === false || tls.verify !== false || !isRds(host)) return undefined;
  return `PGSSLMODE=no-verify is refused for ${host}, whose certificate can be verified: use verify-full`;
}

const unknownAuthority = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/** What to add to the reason why there is no connection: RDS has authorities that no system knows, its proxy has not. */
export function certificateAdvice(error: unknown, host: string, tls: Tls): string {
  const { code = '' } = error as { code?: string };
  if (tls === false) return '';
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT')
    return ': a server that signs its own certificate, as Heroku Postgres does, needs PGSSLMODE=no-verify';
  if (!isRds(host) || tls.ca !== undefined || !unknownAuthority.includes(code)) return '';
  return ": without a proxy, RDS needs Amazon's bundle of certificates in PGSSLROOTCERT";
}
