import type { Context } from '../../context.ts';
import { execa } from '../../exec.ts';

/**
 * As whom the server runs. PostgreSQL refuses to run as root.
 *
 * `self`: as we are. `namespace`: in a user namespace where we appear as `nobody`, so that files need no other owner.
 * `user`: as another user, for root where namespaces are forbidden (docker's default profile), and under sudo as the one
 * who called it.
 */
export type RunAs =
  | { readonly kind: 'self' }
  | { readonly kind: 'namespace' }
  | {
      readonly kind: 'user';
      readonly uid: number;
      readonly gid: number;
      /** True under sudo: the same person will run us again without it. */
      readonly isCaller: boolean;
    };

/** `nobody`: initdb wants a uid that `/etc/passwd` knows. */
const nobody = 65_534;

const unshare = ['unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`, '--'] as const;

/** @param namespaces false to do without them where they would work, for tests */
export async function chooseRunAs(context: Context, namespaces = true): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const sudoUid = Number(context.env.SUDO_UID ?? 0);
  if (sudoUid > 0)
    return { kind: 'user', uid: sudoUid, gid: Number(context.env.SUDO_GID ?? sudoUid), isCaller: true };
  if (namespaces && (await namespacesWork())) return { kind: 'namespace' };
  return { kind: 'user', uid: nobody, gid: nobody, isCaller: false };
}

let probe: Promise<boolean> | undefined;

function namespacesWork(): Promise<boolean> {
  const [file, ...flags] = unshare;
  probe ??= execa(file, [...flags, 'true'], { reject: false }).then(({ failed }) => !failed);
  return probe;
}

/** What to spawn, and with which options, so that `file` runs as `runAs`. The process id stays that of the child. */
export function commandAs(
  runAs: RunAs,
  file: string,
  args: readonly string[],
): { file: string; args: string[]; user: { uid?: number; gid?: number } } {
  switch (runAs.kind) {
    case 'self':
      return { file, args: [...args], user: {} };
    case 'namespace': {
      const [wrapper, ...flags] = unshare;
      return { file: wrapper, args: [...flags, file, ...args], user: {} };
    }
    case 'user':
      return { file, args: [...args], user: { uid: runAs.uid, gid: runAs.gid } };
  }
}

/** Kept from the environment: what a server needs to run, and none of the person's own secrets. */
const serverVariables = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'SystemDrive', 'windir'] as const;

/** A valid `LC_ALL`: without one macOS's setlocale starts threads, and the postmaster refuses to go on. */
export function serverEnvironment(env: Context['env']): Record<string, string> {
  const kept: Record<string, string> = { LC_ALL: 'C' };
  for (const name of serverVariables) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
