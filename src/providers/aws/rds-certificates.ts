import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { errorMessage, UserError } from '../../errors.ts';
import { cacheDir } from '../../project/cache-dir.ts';

/** The name of their bundle beside a function's code. */
export const certificatesFile = 'rds-ca.pem';

/** RDS's authorities change rarely; their certificates live for decades. */
const freshMs = 30 * 24 * 3_600_000;

/**
 * PEM of the authorities that sign the certificates of RDS and Aurora endpoints in a region. RDS Proxy's certificates are
 * publicly signed and need none.
 *
 * From https://truststore.pki.rds.amazonaws.com, kept in the user's cache for a month; `LAMBDAPG_RDS_CA` names a file
 * instead. Source: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
 *
 * @throws UserError RDS_CA_UNREADABLE, RDS_CA_UNREACHABLE
 */
export async function getRdsCertificates(context: Context, region: string): Promise<string> {
  const file = context.env.LAMBDAPG_RDS_CA;
  if (file !== undefined && file !== '') {
    return readFile(file, 'utf8').catch((error: unknown) => {
      throw new UserError('RDS_CA_UNREADABLE', `LAMBDAPG_RDS_CA=${file}: ${errorMessage(error)}`);
    });
  }
  const cached = join(cacheDir(context.env), 'rds-ca', `${region}.pem`);
  const age = await stat(cached).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
  if (age < freshMs) return readFile(cached, 'utf8');
  try {
    return await download(context, region, cached);
  } catch (error) {
    if (Number.isFinite(age)) return readFile(cached, 'utf8');
    throw unreachable(region, error);
  }
}

async function download(context: Context, region: string, cached: string): Promise<string> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(15_000)]);
  const response = await fetch(bundleUrl(region), { signal });
  const text = await response.text();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('what came is no PEM file');
  await mkdir(dirname(cached), { recursive: true });
  const staging = `${cached}.${randomUUID().slice(0, 8)}`;
  await writeFile(staging, text);
  await rename(staging, cached);
  return text;
}

const unreachable = (region: string, error: unknown): UserError =>
  new UserError(
    'RDS_CA_UNREACHABLE',
    `cannot fetch RDS's certificate authorities of ${region}: ${errorMessage(error)}`,
    {
      suggestions: [`save ${bundleUrl(region)} and name it in LAMBDAPG_RDS_CA`],
      cause: error,
    },
  );

/** Each partition has its own server. */
function bundleUrl(region: string): string {
  const domain = region.startsWith('cn-')
    ? 'rds-truststore.s3.cn-north-1.amazonaws.com.cn'
    : region.startsWith('us-gov-')
      ? 'truststore.pki.us-gov-west-1.rds.amazonaws.com'
      : 'truststore.pki.rds.amazonaws.com';
  return `https://${domain}/${region}/${region}-bundle.pem`;
}
