import { lookup } from 'node:dns/promises';
import { partition } from '@aws-sdk/core/client';
import { exitCodes, UserError } from '../../errors.ts';

/**
 * Whether there is such a region, before anything is asked of it: the SDK would send the first call to a host that does not
 * exist, again and again. A region that opened after this release is told by its name in DNS.
 *
 * @throws UserError UNKNOWN_REGION (exit 2)
 */
export async function verifyRegion(region: string): Promise<void> {
  const known: { readonly dnsSuffix: string; readonly description?: string } = partition(region);
  if (known.description !== undefined) return;
  const isThere =
    /^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region) &&
    (await lookup(`sts.${region}.${known.dnsSuffix}`).then(
      () => true,
      () => false,
    ));
  if (isThere) return;
  throw new UserError('UNKNOWN_REGION', `there is no AWS region "${region}"`, {
    exit: exitCodes.usage,
    suggestions: [
      '--region eu-central-1',
      'or another AWS_REGION, or "cloud": {"region": …} in lambdapg.json',
    ],
    ref: 'https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html',
  });
}
