/** Who is logged in to a database. */
export interface ShownConnections {
  readonly max: number;
  readonly used: number;
  readonly byUser: readonly {
    readonly user: string;
    readonly application: string;
    readonly connections: number;
  }[];
}

export function formatConnections({ max, used, byUser }: ShownConnections): string {
  const lines = byUser.map(
    ({ user, application, connections }) => `  ${connections}  ${user}  ${application}`,
  );
  return [`connections in use: ${used} of ${max}`, ...lines].join('\n');
}
