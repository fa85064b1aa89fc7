import type { RotationDatabase, RotationParts } from '../../src/rotation/parts.ts';
import { MemoryConsumer, type MemoryConsumerOptions } from './memory-consumer.ts';
import { MemoryDatabase, type MemoryEndpoint } from './memory-database.ts';
import { login, MemorySlot, MemoryStore } from './memory-store.ts';

export interface MemoryWorldOptions {
  readonly clock: () => number;
  readonly consumers?: readonly MemoryConsumerOptions[];
  readonly endpoints?: MemoryEndpoint[];
  readonly withProxy?: boolean;
  /** Who is current; slot a unless told. */
  readonly user?: string;
  /** Instead of the one in memory. */
  readonly database?: RotationDatabase;
}

/** A store, a database, slots and consumers in memory, about to be rotated: slot a is current, slot b has no password. */
export class MemoryWorld {
  readonly store: MemoryStore;
  readonly database: MemoryDatabase;
  readonly consumers: readonly MemoryConsumer[];
  readonly slotStores: readonly MemorySlot[];
  readonly parts: RotationParts;

  constructor(options: MemoryWorldOptions) {
    const { clock, user = 'shop_a', consumers = [{ id: 'function api' }] } = options;
    const first = login(user, 'first password');
    this.store = new MemoryStore(first);
    this.database = new MemoryDatabase(clock, options.endpoints);
    this.database.change(user, 'first password', 0);
    this.consumers = consumers.map((consumer) => new MemoryConsumer(clock, this.store, consumer));
    this.slotStores = options.withProxy
      ? [
          new MemorySlot(clock, 'shop_a', user === 'shop_a' ? first : undefined),
          new MemorySlot(clock, 'shop_b'),
        ]
      : [];
    if (options.withProxy) {
      this.database.proxyEndpoints.push({ title: 'proxy', lagMs: 0 });
      this.database.proxySecrets.push(...this.slotStores);
    }
    this.parts = {
      id: 'shop-dev',
      store: this.store,
      slots: { a: 'shop_a', b: 'shop_b' },
      database: options.database ?? this.database,
      consumers: this.consumers,
      ...(options.withProxy && { slotStores: this.slotStores }),
    };
  }

  /** Logins that a consumer may use now and that some endpoint refuses: each is a failed request. */
  violations(): string[] {
    return this.consumers.flatMap((consumer) =>
      consumer
        .candidates()
        .filter((candidates) => {
          const endpoints = [...this.database.endpoints, ...this.database.proxyEndpoints];
          return endpoints.some(({ title }) =>
            candidates.every((candidate) => this.database.refusing(candidate).includes(title)),
          );
        })
        .map((candidates) => `${consumer.id}: ${candidates.map(({ user }) => user).join(', ')}`),
    );
  }
}
