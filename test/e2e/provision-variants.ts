import { expect, test } from 'vitest';
import { policyFor } from '../../src/providers/aws/permissions/policy.ts';
import { coveredBy } from '../providers/aws/permissions/covered-by.ts';
import { startCloudBed } from './cloud-bed.ts';

const ok = { exitCode: 0 };

/** Provisions, plans again without a change, and destroys; each with no more than its policy allows. */
export function testVariants(
  variants: readonly (readonly [title: string, flags: readonly string[]])[],
): void {
  test.each(variants)(
    '%s, all its calls within its policy',
    async (_title, flags) => {
      const { bed, run } = await startCloudBed();
      const made = await run('provision', '--yes', '--no-prices', ...flags);
      expect(made, made.stderr).toMatchObject(ok);
      const again = await run('provision', '--plan', '--no-prices', '--json', ...flags);
      expect(again, again.stderr).toMatchObject(ok);
      const target = {
        project: 'shop',
        stage: 'dev',
        account: bed.account,
        region: 'us-east-1',
        partition: 'aws',
      };
      expect(await coveredBy(policyFor(['provision'], target), await bed.requests(), target)).toEqual([]);
      await bed.clearRequests();
      const gone = await run('destroy', '--confirm', 'shop', '--json');
      expect(gone, gone.stderr).toMatchObject(ok);
      expect(gone.json()).toMatchObject({ unwanted: [] });
      expect(await coveredBy(policyFor(['destroy'], target), await bed.requests(), target)).toEqual([]);
    },
    240_000,
  );
}
