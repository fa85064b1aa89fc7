import { formatConnections, type ShownConnections } from './format-connections.ts';
import { formatResources } from './format-resources.ts';

interface ShownZip {
  readonly file: string;
  readonly bytes: number;
}

interface ShownResource {
  readonly title: string;
  readonly state: string;
  readonly why?: string;
}

export interface ShownEngineStatus {
  readonly project: string;
  readonly stage: string;
  readonly engine: string;
  readonly region: string;
  readonly account: string;
  readonly status: string;
  readonly resources: readonly ShownResource[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly connections?: ShownConnections;
}

export function formatEngineStatus(status: ShownEngineStatus, stream: NodeJS.WriteStream): string {
  const { project, stage, engine, region, account, resources, outputs, connections } = status;
  const made = `${resources.length} resources by ${engine}, ${status.status}`;
  return [
    `${project}, stage ${stage}, in ${region} of account ${account}: ${made}`,
    ...(resources.length === 0 ? [] : [formatResources(resources, stream)]),
    '',
    ...Object.entries(outputs).map(([name, value]) => `  ${name}: ${value}`),
    ...(connections === undefined ? [] : ['', formatConnections(connections)]),
  ].join('\n');
}

export function formatEnginePlan(plan: {
  readonly packages: readonly ShownZip[];
  readonly hasChanges: boolean | null;
}): string {
  const said = { true: 'there is something to deploy', false: 'nothing to deploy' };
  const lines = plan.packages.map(({ file, bytes }) => `  ${file} ${Math.ceil(bytes / 1024)} kB`);
  if (plan.hasChanges !== null) return said[`${plan.hasChanges}`];
  return ['these packages would go up:', ...lines].join('\n');
}

export function formatEngineDeployed(deployed: {
  readonly outputs: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly health?: { readonly status: number; readonly ms: number };
}): string {
  const { url, health } = deployed;
  const asked = health === undefined ? '' : ` (health: ${health.status} in ${health.ms} ms)`;
  return url === undefined ? 'deployed' : `${url}${asked}`;
}

export function formatEngineRemoval(resources: readonly ShownResource[]): string {
  if (resources.length === 0) return 'nothing is there';
  return ['would go, with all that is in it:', ...resources.map(({ title }) => `  ${title}`)].join('\n');
}

interface ShownRemains {
  readonly kind: string;
  readonly name: string;
  readonly why: string;
}

export function formatEngineDestroyed(destroyed: {
  readonly removed: readonly string[];
  readonly remains: readonly ShownRemains[];
  readonly unwanted: readonly ShownRemains[];
}): string {
  const { removed, remains, unwanted } = destroyed;
  return [
    `${removed.length - unwanted.length} removed`,
    ...formatRemains('still there, though it was to go:', unwanted),
    ...formatRemains('remains:', remains),
  ].join('\n');
}

export const formatRemains = (title: string, remains: readonly ShownRemains[]): string[] =>
  remains.length === 0 ? [] : [title, ...remains.map(({ kind, name, why }) => `  ${kind} ${name}: ${why}`)];
