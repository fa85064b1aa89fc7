import type { CredentialStore, ReadVersion, StoredLogin } from '../parts.ts';

/** Labels on versions as Secrets Manager moves them, in memory. */
export function memoryStore(first: StoredLogin): CredentialStore {
  const versions = new Map<string, StoredLogin>([['first', first]]);
  const labels: { current: string; pending?: string | undefined; previous?: string } = { current: 'first' };
  const seen = (versionId: string | undefined): ReadVersion | undefined => {
    const login = versionId === undefined ? undefined : versions.get(versionId);
    return login && versionId !== undefined ? { versionId, login } : undefined;
  };
  return {
    title: 'a secret in memory',
    async read() {
      const pendingIsCurrent = labels.pending === labels.current;
      const [current, previous] = [seen(labels.current), seen(labels.previous)];
      const pending = pendingIsCurrent ? undefined : seen(labels.pending);
      return {
        pendingIsCurrent,
        ...(current && { current }),
        ...(pending && { pending }),
        ...(previous && { previous }),
      };
    },
    async putPending(token, login) {
      if (!versions.has(token)) versions.set(token, login);
      labels.pending = token;
    },
    async promote(to, from) {
      if (labels.current === to) return;
      if (labels.current !== from) throw new Error(`AWSCURRENT is on ${labels.current}, not on ${from}`);
      labels.previous = from;
      labels.current = to;
    },
    async clearPending(version) {
      if (labels.pending === version) labels.pending = undefined;
    },
  };
}
