import type { Writable } from 'node:stream';
import { spawnProcess } from '../../exec.ts';

/**
 * Ends the execution environments when lambdapg itself was killed (kill -9, the OOM killer). A frozen process cannot
 * see that its parent is gone, so a shell of a few lines does: it reads the process groups to end from a pipe, and
 * the end of the pipe is the death of lambdapg. It sits in a session of its own, where Ctrl-C does not reach it.
 *
 * What is left: if the shell is killed as well, in the same moment, frozen environments stay until they are killed
 * by hand or the machine stops. On Windows nothing is frozen and no watcher runs: a runtime client ends by itself
 * when its Runtime API is gone.
 */
export interface ProcessWatcher {
  watch(pid: number): void;
  unwatch(pid: number): void;
  /** Lets the shell go; what it still has on its list it kills. */
  close(): void;
}

const script = `
groups=" "
while read -r verb group; do
  case "$verb" in
    watch) groups="$groups$group " ;;
    unwatch) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

/** The shell is started with the first process that there is to watch. */
export function startProcessWatcher(): ProcessWatcher {
  if (process.platform === 'win32') return { watch() {}, unwatch() {}, close() {} };
  const watched = new Set<number>();
  let pipe: Writable | null | undefined;
  return {
    watch(pid) {
      pipe ??= startShell();
      watched.add(pid);
      pipe?.write(`watch ${pid}\n`);
    },
    unwatch(pid) {
      if (watched.delete(pid)) pipe?.write(`unwatch ${pid}\n`);
    },
    close: () => pipe?.end(),
  };
}

function startShell(): Writable | null {
  const shell = spawnProcess('/bin/sh', ['-c', script], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  // A watcher that could not start, or was killed, is missed only if lambdapg is killed, too.
  shell.on('error', () => {});
  shell.stdin?.on('error', () => {});
  return shell.stdin;
}
