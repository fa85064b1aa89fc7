/* What the benchmark of faults uses of packages that it installs for itself. */

declare module 'postgres' {
  interface Sql {
    unsafe(text: string): Promise<unknown>;
    end(options: { timeout: number }): Promise<void>;
  }
  export default function postgres(options: object): Sql;
}

declare module 'serverless-postgres' {
  export default class ServerlessPostgres {
    constructor(options: object);
    connect(): Promise<void>;
    query(text: string): Promise<unknown>;
    clean(): Promise<void>;
    end(): Promise<void>;
  }
}
