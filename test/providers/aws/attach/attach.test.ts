import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AttachBed, startAttachBed } from './attach-bed.ts';

let at: AttachBed;

beforeAll(async () => {
  at = await startAttachBed();
});

afterAll(() => at.stop());

describe('a function in no VPC and an RDS instance in a private one', () => {
  test('meet, with a proof, and part without a trace', async () => {
    await at.makeFunction('reader');
    const before = await at.snapshot('reader');
    const { shown } = await at.plan('reader');
    expect(shown.functions).toEqual([{ name: 'reader', network: 'enters' }]);
    expect(shown.losesInternet).toEqual(['reader']);
    expect(await at.snapshot('reader')).toEqual(before);

    const done = await at.attach('reader');
    expect(done.proofs).toMatchObject([{ function: 'reader', verdict: 'proved' }]);
    expect(await at.invoke('reader')).toEqual({ who: 'app', db: 'shop', n: 42 });

    const again = await at.plan('reader');
    expect(again.shown.plan.changes).toBe(0);

    await at.detach('reader');
    expect(await at.snapshot('reader')).toEqual(before);
    await expect(at.detach('reader')).rejects.toMatchObject({ code: 'NOT_ATTACHED' });
  });
});
