import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../src/database/open-database.ts';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { errorMessage } from '../../../src/errors.ts';
import { type Endpoint, openRotationDatabase } from '../../../src/rotation/database.ts';
import type { Wish } from '../../../src/rotation/decide/decision.ts';
import { fileJournal } from '../../../src/rotation/journal.ts';
import type { RotationParts, StoredLogin } from '../../../src/rotation/parts.ts';
import { rotate } from '../../../src/rotation/rotate.ts';
import { Secret } from '../../../src/secret.ts';
import { testContext } from '../test-run.ts';
import { type FaultAt, faultyParts } from './faulty-parts.ts';
import { filedConsumers, filedSlots, filedStore } from './filed-parts.ts';
import { currentOf, WorldFile } from './world-file.ts';

type Place = Omit<ConnectionTarget, 'password'>;

/** What a run gets by standard input, as JSON. */
export interface ChildInput {
  /** Holds `world.json` and the journals. */
  readonly dir: string;
  readonly admin: Place;
  readonly password: string;
  /** The writer as the application sees it, and the proxy where there is one. */
  readonly app: Place;
  readonly proxy?: Place;
  /** One run each, one after the other, each with a lease of its own. */
  readonly wishes: readonly Wish[];
  /** In the first run. */
  readonly fault?: FaultAt;
}

/** What it prints, one line for each run. */
export interface ChildOutput {
  readonly outcome: string;
  readonly effects: readonly string[];
  /** Changing calls, in their order. */
  readonly calls: readonly string[];
  /** Calls after which AWSCURRENT did not log in, and why. */
  readonly refused: readonly string[];
  readonly stopped?: unknown;
}

const input = JSON.parse(readFileSync(0, 'utf8')) as ChildInput;
const file = new WorldFile(join(input.dir, 'world.json'));
const admin: ConnectionTarget = { ...input.admin, password: new Secret(input.password) };
const id = 'library-dev';

const whoAmI = ({ user, password }: StoredLogin): Promise<string> =>
  withClient(
    { ...(input.proxy ?? input.app), user, password },
    { applicationName: 'consumer' },
    async (client) => {
      const { rows } = await client.query<{ who: string }>('select session_user::text as who');
      return rows[0]?.who ?? '';
    },
  );

const endpoint = (title: string, { user: _user, ...target }: Place): Endpoint => ({ title, target });

const open: OpenDatabase = {
  ...{ admin, app: { ...admin, ...input.app }, ownerRole: 'library_owner' },
  run: (job, target, work) => job.work(testContext(), target, work),
  dial: async (target) => target,
};

const database = openRotationDatabase(testContext(), open, {
  id,
  endpoints: [endpoint('writer', input.app)],
  proxyEndpoints: input.proxy === undefined ? [] : [endpoint('proxy', input.proxy)],
  expectedRole: 'library_app',
  // The session of a run that was killed ends when the server notices.
  times: { patienceMs: 5_000 },
});

async function run(wish: Wish, fault: FaultAt | undefined): Promise<ChildOutput> {
  const calls: string[] = [];
  const refused: string[] = [];
  const consumers = filedConsumers(file, whoAmI);
  const slotStores = input.proxy && { slotStores: filedSlots(file) };
  const slots = { a: 'library_a', b: 'library_b' };
  const parts: RotationParts = { id, store: filedStore(file), database, consumers, slots, ...slotStores };
  const faulty = faultyParts(parts, fault, async (call) => {
    calls.push(call);
    await whoAmI(currentOf(file.read())).catch((error: unknown) => {
      refused.push(`${call}: ${errorMessage(error)}`);
    });
  });
  const report = await database.withLease(() =>
    rotate(testContext(), faulty, wish, {
      journal: fileJournal(input.dir, 'dev'),
      ...{ pollMs: 40, soakMs: 40, patienceMs: 20_000, proxy: { successes: 2, overMs: 100 } },
    }),
  );
  const { outcome, effects, stopped } = report;
  return { outcome, effects: effects.map(({ name }) => name), calls, refused, ...(stopped && { stopped }) };
}

for (const [index, wish] of input.wishes.entries()) {
  const output = await run(wish, index === 0 ? input.fault : undefined);
  process.stdout.write(`${JSON.stringify(output)}\n`);
}
