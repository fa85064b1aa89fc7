/**
 * The settings that a client may give when it connects. RDS Proxy accepts these alone; the proxy sets them anew on each
 * session of the database that it lends to the client.
 */
export type SessionSettings = Readonly<Record<string, string>>;

const known = ['application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'extra_float_digits'];

/** The setting's own spelling, or undefined when RDS Proxy refuses it. */
export function findSetting(name: string): string | undefined {
  return known.find((setting) => setting.toLowerCase() === name.toLowerCase());
}

/**
 * SQL that turns the settings of a session into others; empty when they are the same. A reset would undo what the proxy's
 * initialization query set, so that follows it.
 */
export function settingsChange(from: SessionSettings, to: SessionSettings, initQuery?: string): string {
  const changed = known.filter((name) => from[name] !== to[name]);
  const reset = changed.filter((name) => to[name] === undefined).map((name) => `RESET ${name}`);
  const again = reset.length > 0 && initQuery !== undefined ? [initQuery] : [];
  const set = (again.length > 0 ? known : changed).flatMap((name) => {
    const value = to[name];
    return value === undefined ? [] : [`SET ${name} TO ${quote(value)}`];
  });
  return [...reset, ...again, ...set].join('; ');
}

export function sameSettings(a: SessionSettings, b: SessionSettings): boolean {
  return known.every((name) => a[name] === b[name]);
}

/** Means the same whatever `standard_conforming_strings` is. */
function quote(value: string): string {
  return `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
