import type { StoredLogin } from '../../../src/rotation/observation.ts';
import type { CredentialStore, ReadVersion, StoreSeen } from '../../../src/rotation/parts.ts';
import { type SecretsEndpoint, testSecretArn } from '../../runtime/secrets-endpoint.ts';

/** A secret with Secrets Manager's labels, which functions read over HTTP. */
export class ServedSecret implements CredentialStore {
  readonly title = `secret ${testSecretArn}`;
  readonly #endpoint: SecretsEndpoint;
  readonly #versions = new Map<string, ReadVersion>();
  #labels: { readonly current: string; readonly pending?: string; readonly previous?: string };
  /** Calls of whoever rotates, by name. */
  readonly calls: string[] = [];

  constructor(endpoint: SecretsEndpoint, login: StoredLogin) {
    this.#endpoint = endpoint;
    this.#versions.set('first', { versionId: 'first', login, createdAt: Date.now() });
    this.#labels = { current: 'first' };
    this.#serve();
  }

  get current(): StoredLogin {
    return this.#get(this.#labels.current).login;
  }

  async read(): Promise<StoreSeen> {
    const { current, pending, previous } = this.#labels;
    // DescribeSecret, and GetSecretValue of each version that has a label.
    this.calls.push(
      'DescribeSecret',
      ...[...new Set([current, pending, previous])].flatMap((id) => (id ? 'GetSecretValue' : [])),
    );
    return {
      current: this.#get(current),
      ...(pending !== undefined && pending !== current && { pending: this.#get(pending) }),
      ...(previous !== undefined && { previous: this.#get(previous) }),
      pendingIsCurrent: pending === current,
    };
  }

  async putPending(token: string, login: StoredLogin): Promise<void> {
    this.calls.push('PutSecretValue');
    if (!this.#versions.has(token)) {
      this.#versions.set(token, { versionId: token, login, createdAt: Date.now() });
    }
    this.#labels = { ...this.#labels, pending: token };
    this.#serve();
  }

  async promote(to: string, from: string): Promise<void> {
    this.calls.push('UpdateSecretVersionStage');
    if (this.#labels.current === to) return;
    if (this.#labels.current !== from) throw new Error(`AWSCURRENT is not on ${from}`);
    this.#labels = { ...this.#labels, current: to, previous: from };
    this.#serve();
  }

  async clearPending(version: string): Promise<void> {
    this.calls.push('UpdateSecretVersionStage');
    const { pending, ...others } = this.#labels;
    if (pending === version) this.#labels = others;
    this.#serve();
  }

  #get(id: string): ReadVersion {
    const version = this.#versions.get(id);
    if (version === undefined) throw new Error(`no version ${id}`);
    return version;
  }

  #serve(): void {
    const { current, pending, previous } = this.#labels;
    const text = (id: string): string => {
      const { user, password } = this.#get(id).login;
      return JSON.stringify({ username: user, password: password.reveal() });
    };
    const { stages } = this.#endpoint;
    this.#endpoint.secret = text(current);
    stages.AWSPENDING = pending === undefined ? undefined : text(pending);
    stages.AWSPREVIOUS = previous === undefined ? undefined : text(previous);
  }
}
