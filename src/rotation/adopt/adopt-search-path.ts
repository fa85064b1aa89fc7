import { quoteIdentifier } from '../../database/identifier.ts';
import type { RoleGraph } from '../../database/role-graph.ts';

/**
 * The search path that a slot needs to find what `role` finds: where the path names "$user" and there is a schema of the role's
 * name, that schema by its name. Undefined where the path as it is does.
 */
export function slotSearchPath(graph: RoleGraph, role: string): string | undefined {
  const schema = quoteIdentifier(role);
  const there = graph.objects.some(({ kind, name }) => kind === 'SCHEMA' && [role, schema].includes(name));
  if (!there) return undefined;
  const path = effectivePath(graph, role);
  const own = path.replace(/"\$user"|\$user\b/g, () => schema);
  return own === path ? undefined : own;
}

/** The most particular one that is set. */
function effectivePath(graph: RoleGraph, role: string): string {
  const find = (of: string | null, database: string | null): string | undefined =>
    graph.settings.find((one) => one.name === 'search_path' && one.role === of && one.database === database)
      ?.value;
  const { database, server } = graph;
  return find(role, database) ?? find(role, null) ?? find(null, database) ?? server.searchPath;
}
