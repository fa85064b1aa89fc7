import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { errorMessage, exitCodes, UserError } from '../errors.ts';
import type { ConnectionTarget } from './target.ts';

/**
 * Where databases are reached from here, by the name that the cloud gives them: a port forward, a tunnel, another resolver.
 * The certificate is still checked against the real name.
 */
export interface HostMap {
  /** Some name is mapped, or a file that may come to map some is named. */
  readonly isUsed: boolean;
  /** Undefined: the name is dialled as it is. A file is read again at each call. */
  find(name: string): Promise<MappedPlace | undefined>;
}

export interface MappedPlace {
  readonly host: string;
  /** Absent: the database's own port. */
  readonly port?: number;
}

export interface HostMapSources {
  /** `--db-host-map`: each value `name=host[:port]`, several separated by commas. Wins over the others. */
  readonly flags?: readonly string[] | undefined;
  /** `LAMBDAPG_DB_HOST_MAP`: the same form, or `@file` with one entry a line. Wins over the configuration. */
  readonly variable?: string | undefined;
  /** `cloud.dbHostMap` of lambdapg.json. */
  readonly config?: Readonly<Record<string, string>> | undefined;
}

const form = 'name=host:port, such as db.example.com=127.0.0.1:5433';

/** @throws UserError BAD_HOST_MAP (exit 2) naming the entry and where it stands; for a file at each look-up */
export function parseHostMap({ flags = [], variable = '', config = {} }: HostMapSources): HostMap {
  const file = variable.startsWith('@') ? variable.slice(1) : undefined;
  const fixed = new Map([
    ...parseEntries(
      Object.entries(config).map(([name, place]) => `${name}=${place}`),
      'cloud.dbHostMap in lambdapg.json',
    ),
    ...(file === undefined ? parseEntries(variable.split(','), 'LAMBDAPG_DB_HOST_MAP') : []),
  ]);
  const given = parseEntries(
    flags.flatMap((flag) => flag.split(',')),
    '--db-host-map',
  );
  return {
    isUsed: file !== undefined || fixed.size > 0 || given.size > 0,
    async find(name) {
      const key = normalise(name);
      const fromFlag = given.get(key);
      if (fromFlag !== undefined || file === undefined) return fromFlag ?? fixed.get(key);
      return (await readEntries(file)).get(key) ?? fixed.get(key);
    },
  };
}

/** Dials the mapped place and keeps the real name for the certificate. The target itself when its host is not mapped. */
export async function applyHostMap(target: ConnectionTarget, map: HostMap): Promise<ConnectionTarget> {
  const place = await map.find(target.host);
  if (place === undefined) return target;
  return {
    ...target,
    host: place.host,
    port: place.port ?? target.port,
    tls: target.tls === false ? false : { ...target.tls, name: target.tls.name ?? target.host },
  };
}

async function readEntries(file: string): Promise<Map<string, MappedPlace>> {
  const where = `the file "${file}" of LAMBDAPG_DB_HOST_MAP`;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw badHostMap(`${where} cannot be read: ${errorMessage(error)}`);
  }
  const lines = text.split(/\r?\n/).map((line) => line.replace(/#.*/, ''));
  return parseEntries(lines, where);
}

function parseEntries(entries: readonly string[], where: string): Map<string, MappedPlace> {
  const map = new Map<string, MappedPlace>();
  for (const entry of entries.map((raw) => raw.trim())) {
    if (entry === '') continue;
    const [name = '', place = '', ...rest] = entry.split('=');
    if (name.trim() === '' || place.trim() === '' || rest.length > 0)
      throw badHostMap(`${where}: "${entry}" is not name=host:port`);
    if (/[\s:/@]/.test(name.trim())) throw badHostMap(`${where}: "${name.trim()}" is no host name`);
    map.set(normalise(name.trim()), parsePlace(place.trim(), entry, where));
  }
  return map;
}

/** `host`, `host:port`, `[::1]:5433`, and a bare IPv6 address. */
function parsePlace(place: string, entry: string, where: string): MappedPlace {
  if (isIP(place) === 6) return { host: place };
  const found = /^(?:\[([^\]]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(place);
  const host = found?.[1] ?? found?.[2];
  const port = found?.[3] === undefined ? undefined : Number(found[3]);
  if (host === undefined || (found?.[1] !== undefined && isIP(host) !== 6))
    throw badHostMap(`${where}: "${place}" in "${entry}" is not host:port`);
  if (port !== undefined && (port < 1 || port > 65_535))
    throw badHostMap(`${where}: ${port} in "${entry}" is no port`);
  return { host, ...(port !== undefined && { port }) };
}

/** DNS knows neither case nor the final dot. */
function normalise(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function badHostMap(fault: string): UserError {
  return new UserError('BAD_HOST_MAP', fault, {
    exit: exitCodes.usage,
    suggestions: [`write ${form}; several are separated by commas`],
  });
}
