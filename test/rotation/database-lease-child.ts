import { readFileSync } from 'node:fs';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { openRotationDatabase } from '../../src/rotation/database.ts';
import { Secret } from '../../src/secret.ts';
import { testContext } from '../postgres-server.ts';
import { openTarget } from './database-bed.ts';

/** Takes the lease, says so, and keeps it until it is killed. The place comes by standard input, as JSON. */
const { place, password, isDirect } = JSON.parse(readFileSync(0, 'utf8')) as {
  readonly place: Omit<ConnectionTarget, 'password'>;
  readonly password: string;
  readonly isDirect: boolean;
};
const admin: ConnectionTarget = { ...place, password: new Secret(password) };
const rotation = openRotationDatabase(testContext(), openTarget(admin, admin, { isDirect }), {
  id: 'library-dev',
  endpoints: [],
  proxyEndpoints: [],
});
await rotation.withLease(async () => {
  process.stdout.write('held\n');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
