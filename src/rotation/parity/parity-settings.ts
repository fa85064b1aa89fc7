import type { RoleGraph, RoleSetting } from '../../database/role-graph.ts';
import { copyRoleSetting, isHidden, resetRoleSetting, setRoleSetting } from '../../database/role-setting.ts';
import type { ParityFinding, ParityLogins } from './parity-finding.ts';

/** They change what is written down, not what a statement gives. */
const harmless = /^(log_|auto_explain\.|track_|application_name$)/;

/** Settings of both logins, in all databases and in this one; and that a slot begins as the app role. */
export function compareSettings(graph: RoleGraph, logins: ParityLogins): ParityFinding[] {
  const { current, standby, slots, app } = logins;
  const findings: ParityFinding[] = [];
  for (const slot of new Set([standby, ...[current].filter((one) => one === slots.a || one === slots.b)])) {
    const begins = of(graph, slot).find(({ name }) => name === 'role');
    if (begins?.value === app) continue;
    findings.push({
      fault: 'role-setting',
      severity: 'refuse',
      message: `"${slot}" does not begin its sessions as "${app}"${begins ? ` but as "${begins.value}"` : ''}`,
      mend: [setRoleSetting(slot, { database: null, name: 'role', value: app })],
    });
  }
  return [...findings, ...compareValues(graph, logins)];
}

function compareValues(graph: RoleGraph, { current, standby }: ParityLogins): ParityFinding[] {
  const key = ({ database, name }: RoleSetting): string => JSON.stringify([database, name]);
  const had = new Map(of(graph, current).map((setting) => [key(setting), setting]));
  const has = new Map(of(graph, standby).map((setting) => [key(setting), setting]));
  return [...new Set([...had.keys(), ...has.keys()])].flatMap((at): ParityFinding[] => {
    const [from, to] = [had.get(at), has.get(at)];
    const setting = from ?? to;
    if (setting === undefined || setting.name === 'role' || from?.value === to?.value) return [];
    const where = setting.database === null ? '' : ` in "${setting.database}"`;
    return [
      {
        fault: 'setting-differs',
        severity: harmless.test(setting.name) ? 'warn' : 'refuse',
        message: `${setting.name}${where} is ${show(from)} for "${current}" and ${show(to)} for "${standby}"`,
        mend: [mend(from, setting, current, standby)],
      },
    ];
  });
}

function of(graph: RoleGraph, role: string): RoleSetting[] {
  return graph.settings.filter(
    (one) => one.role === role && (one.database === null || one.database === graph.database),
  );
}

function show(setting: RoleSetting | undefined): string {
  if (setting === undefined) return 'not set';
  return isHidden(setting) ? 'another value' : `"${setting.value}"`;
}

function mend(from: RoleSetting | undefined, setting: RoleSetting, current: string, standby: string): string {
  if (from === undefined) return resetRoleSetting(standby, setting);
  return isHidden(from) ? copyRoleSetting(current, standby, from) : setRoleSetting(standby, from);
}
