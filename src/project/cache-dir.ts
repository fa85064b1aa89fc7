import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../context.ts';

/** Where what was downloaded is kept (servers, certificates, prices): `LAMBDAPG_CACHE_DIR`, else the system's usual place. */
export function cacheDir(env: Context['env'], platform: NodeJS.Platform = process.platform): string {
  if (env.LAMBDAPG_CACHE_DIR) return env.LAMBDAPG_CACHE_DIR;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'lambdapg');
  const home = env.HOME ?? homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'lambdapg');
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'lambdapg');
  return join(home, '.cache', 'lambdapg');
}
