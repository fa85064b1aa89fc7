import type { PostgresMajor } from '../../project/postgres-packages.ts';

/** A PostgreSQL server on this computer. */
export interface ServerBinaries {
  readonly major: PostgresMajor;
  /** Holds `postgres`, `initdb` and `pg_ctl`. */
  readonly binDir: string;
  /** The folder with `bin`, `lib` and `share` that can be copied as a whole; absent for the system's own. */
  readonly nativeDir?: string;
  readonly origin: 'environment' | 'project' | 'cache' | 'system';
}
