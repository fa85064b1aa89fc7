/** The answers that decide what a project is made of, and their values. */
export const languages = ['node', 'python'] as const;
export const engineKinds = ['none', 'cdk', 'terraform', 'serverless', 'sam'] as const;
export const frameworks = ['none', 'hono', 'fastapi'] as const;
/** `layer`: a Python project's packages as a Lambda layer. */
export const packagings = ['zip', 'layer'] as const;
/** What lambdapg's own provision makes; */
export const managedDatabases = ['rds', 'aurora'] as const;
/** and with an engine also a database outside AWS: Heroku Postgres, or any that has a URL. */
export const databaseKinds = [...managedDatabases, 'heroku', 'url'] as const;
export const networkKinds = ['isolated', 'nat', 'existing'] as const;
export const databaseAuths = ['secret', 'iam'] as const;

export type Language = (typeof languages)[number];
export type EngineKind = (typeof engineKinds)[number];
export type Framework = (typeof frameworks)[number];
export type Packaging = (typeof packagings)[number];
export type DatabaseKind = (typeof databaseKinds)[number];
export type NetworkKind = (typeof networkKinds)[number];
export type DatabaseAuth = (typeof databaseAuths)[number];

/** The choices that layers follow from. */
export interface Choices {
  readonly engine: EngineKind;
  readonly language: Language;
  readonly framework: Framework;
  readonly packaging: Packaging;
  readonly database: DatabaseKind;
  readonly proxy: boolean;
  readonly auth: DatabaseAuth;
  /** `none`: a database outside AWS needs no network. */
  readonly network: NetworkKind | 'none';
  /** A read replica or reader. */
  readonly reader: boolean;
}

/** A database that AWS runs, so that it has a network, groups and a proxy at will. */
export const isManaged = ({ database }: Pick<Choices, 'database'>): boolean =>
  database === 'rds' || database === 'aurora';
