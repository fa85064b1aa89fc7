import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodes } from '../../src/errors.ts';
import type { EffectName } from '../../src/rotation/decide/decision.ts';
import type { RotationReport } from '../../src/rotation/report.ts';
import { Secret } from '../../src/secret.ts';
import { startTamperBed, type TamperBed, type TamperWorld } from './rotate-tamper-world.ts';

/** Where a rotation stands when somebody lays hands on it, by its last effect. */
const states: Readonly<Record<string, EffectName | undefined>> = {
  'nothing begun': undefined,
  'pending put': 'put-pending',
  'password set': 'set-password',
  promoted: 'promote',
  shifted: 'shift',
  retired: 'retire',
  closed: 'clear-pending',
};

const lost = () => new Secret(`changed-by-hand-${randomUUID()}`);

/** What somebody does by hand. */
const tamperings: Readonly<Record<string, (world: TamperWorld) => Promise<unknown>>> = {
  'AWSCURRENT moved to the previous value': async (world) =>
    world.move('AWSCURRENT', await world.version('AWSPREVIOUS')),
  'AWSPENDING taken away': async (world) =>
    (await world.version('AWSPENDING')) === undefined ? undefined : world.move('AWSPENDING'),
  'AWSPREVIOUS taken away': async (world) =>
    (await world.version('AWSPREVIOUS')) === undefined ? undefined : world.move('AWSPREVIOUS'),
  'AWSPENDING moved to the previous value': async (world) =>
    world.move('AWSPENDING', await world.version('AWSPREVIOUS')),
  'AWSPENDING on a value of a stranger': (world) =>
    world.put('AWSPENDING', { username: 'intruder', password: 'of an intruder' }),
  "the previous login's password given back to it": async (world) => {
    const previous = await world.login('AWSPREVIOUS');
    if (previous !== undefined) await world.setPassword(previous.user, previous.password);
  },
  "the current slot's password changed": async (world) =>
    world.setPassword((await world.slots()).current, lost()),
  "the standby's password changed": async (world) => world.setPassword((await world.slots()).standby, lost()),
  'both passwords changed': async (world) => {
    const { current, standby } = await world.slots();
    await world.setPassword(current, lost());
    await world.setPassword(standby, lost());
  },
  'NOLOGIN on the current slot': async (world) =>
    world.sql(`ALTER ROLE ${(await world.slots()).current} NOLOGIN`),
  'NOLOGIN on the standby': async (world) => world.sql(`ALTER ROLE ${(await world.slots()).standby} NOLOGIN`),
  'the current slot expired': async (world) =>
    world.sql(`ALTER ROLE ${(await world.slots()).current} VALID UNTIL '2020-01-01'`),
  'the standby expired': async (world) =>
    world.sql(`ALTER ROLE ${(await world.slots()).standby} VALID UNTIL '2020-01-01'`),
};

/** Closed at once, or after the command that a stop has named. */
const recovered =
  /^(closed( after [12] incidents?)?|CURRENT_REFUSED \(exit 6\), --repair, closed after [12] incidents?|FOREIGN_PENDING \(exit 1\), --rollback, rolled back, closed)$/;

let bed: TamperBed;
beforeAll(async () => {
  bed = await startTamperBed();
}, 60_000);
afterAll(() => bed.stop());

describe.each(Object.keys(tamperings))('%s', (name) => {
  test.each(Object.entries(states))(
    'when it stands at: %s',
    async (_state, last) => {
      const world = await bed.makeWorld();
      if (last !== undefined) await world.rotateUntil(last);
      await tamperings[name]?.(world);
      const said = await recover(world);
      expect(said).toMatch(recovered);
      expect(await world.faults()).toEqual([]);
      // Nothing is left to do, and the next rotation goes well.
      expect((await world.run({})).effects).toEqual([]);
      expect(await world.run({ start: randomUUID() })).toMatchObject({ outcome: 'closed', incidents: [] });
      expect(await world.faults()).toEqual([]);
    },
    60_000,
  );
});

/** As a person does: resumes, reads, and does what is said. @returns the outcomes in a row */
async function recover(world: TamperWorld): Promise<string> {
  const said: string[] = [];
  let wish = {};
  for (let turn = 0; turn < 3; turn += 1) {
    const report = await world.run(wish);
    said.push(outcomeOf(report));
    const command = report.stopped?.suggestions
      .map((text) => /rotate-creds --(\w+)/.exec(text)?.[1])
      .find(Boolean);
    // What it has taken away was in the way of a rotation that may still be open.
    const isCleared = report.outcome === 'rolled back';
    if (isCleared) {
      wish = {};
      continue;
    }
    if (report.stopped === undefined || command === undefined) break;
    expect(report.stopped.why).toMatch(/"?library_[ab]|"intruder"/);
    said.push(`--${command}`);
    wish = { [command]: true };
  }
  return said.join(', ');
}

function outcomeOf({ outcome, exit, incidents, stopped, waitingFor }: RotationReport): string {
  const repaired =
    incidents.length === 0 ? '' : ` after ${incidents.length} incident${incidents.length === 1 ? '' : 's'}`;
  if (exit === exitCodes.done) return outcome + repaired;
  return `${stopped?.code ?? `${outcome}: ${waitingFor}`}${repaired} (exit ${exit})`;
}
