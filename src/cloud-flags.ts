import { Flags } from '@oclif/core';
import { routeKinds } from './database/route.ts';
import {
  databaseAuths,
  databaseKinds,
  engineKinds,
  frameworks,
  languages,
  managedDatabases,
  networkKinds,
  packagings,
} from './project/choices.ts';

/** The flags of every command that works on a stage in the cloud. */
export const cloudFlags = {
  stage: Flags.string({
    default: 'dev',
    env: 'LAMBDAPG_STAGE',
    description: 'which deployment of the project',
  }),
  region: Flags.string({
    description: 'AWS region; else the one of lambdapg.json, the environment or the profile',
  }),
  profile: Flags.string({ description: "AWS profile; else AWS_PROFILE, or the environment's credentials" }),
};

/** The answers that `provision` can be given as flags; they are written to lambdapg.json once they are carried out. */
export const answerFlags = {
  database: Flags.string({ options: managedDatabases, description: 'RDS instance, or Aurora Serverless v2' }),
  proxy: Flags.boolean({ allowNo: true, description: 'RDS Proxy between functions and database' }),
  auth: Flags.string({
    options: databaseAuths,
    description: 'functions log in by a secret, or by IAM from end to end',
  }),
  network: Flags.string({
    options: networkKinds,
    description: 'a new VPC without NAT, a new one with one NAT gateway, or --subnets',
  }),
  subnets: Flags.string({
    description: 'existing subnets of one VPC in two zones, separated by commas',
    helpValue: 'subnet-…,subnet-…',
  }),
  'instance-class': Flags.string({ description: 'RDS only', helpValue: 'db.t4g.micro' }),
  'engine-version': Flags.string({
    description: 'such as 17.9; else the newest of the project',
    helpValue: '17.9',
  }),
  'multi-az': Flags.boolean({ allowNo: true, description: 'RDS only: a standby in a second zone' }),
  reader: Flags.boolean({ allowNo: true, description: 'a read replica (RDS) or reader (Aurora)' }),
  'min-acu': Flags.string({ description: 'Aurora only; 0 lets it pause' }),
  'max-acu': Flags.string({ description: 'Aurora only' }),
  'deletion-protection': Flags.boolean({ allowNo: true, description: 'AWS refuses to delete the database' }),
};

/** What a project is made of: flags of `init` that a template answers otherwise. */
export const choiceFlags = {
  language: Flags.string({ options: [...languages], description: 'language of the functions' }),
  engine: Flags.string({
    options: [...engineKinds],
    description: "makes the cloud's resources; none: lambdapg",
  }),
  framework: Flags.string({ options: [...frameworks], description: 'hono for Node, fastapi for Python' }),
  packaging: Flags.string({ options: [...packagings], description: 'layer: Python packages as a layer' }),
  ...answerFlags,
  database: Flags.string({
    options: [...databaseKinds],
    description: 'RDS, Aurora Serverless v2, Heroku Postgres, or any that has a URL',
  }),
  'heroku-addon': Flags.string({
    description: 'name of the Heroku Postgres add-on',
    helpValue: 'postgresql-round-12345',
  }),
  region: Flags.string({ description: 'AWS region; else the one of the environment or profile' }),
};

/** How SQL reaches a private database. */
export const routeFlags = {
  'db-host-map': Flags.string({
    multiple: true,
    // Greedy, it would take the files that `seed` names after it.
    multipleNonGreedy: true,
    description: 'where a database name is reached from here; LAMBDAPG_DB_HOST_MAP may hold the same',
    helpValue: 'name=host:port',
  }),
  route: Flags.option({ options: routeKinds })({
    description: 'the way to the database; default: the first that is open',
  }),
};

/** `--iam-policy` of the commands that call AWS. */
export const policyFlag = {
  'iam-policy': Flags.boolean({
    default: false,
    description: 'print the permissions that this command needs, and stop',
  }),
};

/** The functions of the account that a command is about. */
export const functionFlags = {
  function: Flags.string({ description: 'names or ARNs, separated by commas', helpValue: 'name,name' }),
  'function-tag': Flags.string({
    description: 'every function with this tag',
    helpValue: 'key=value',
    exclusive: ['function'],
  }),
};

/** What `attach` is told of the database and of what it may do. */
export const attachFlags = {
  to: Flags.string({
    description: 'RDS instance, Aurora cluster, RDS Proxy (by id), or a stage of the project',
    helpValue: 'id|stage:name',
    exclusive: ['database-url'],
  }),
  'database-url': Flags.string({
    description: 'any PostgreSQL; user and password go into a secret of their own',
    env: 'LAMBDAPG_ATTACH_URL',
    helpValue: 'postgres://…',
    noCacheDefault: true,
  }),
  secret: Flags.string({ description: 'what functions log in with: JSON with username and password' }),
  'iam-user': Flags.string({ description: 'log in by IAM as this user', exclusive: ['secret'] }),
  'database-name': Flags.string({ description: "default: the server's own, or postgres" }),
  'ssl-root-cert': Flags.string({
    description: "authorities in the function's package, such as /var/task/rds-ca.pem",
  }),
  'replace-environment': Flags.boolean({
    default: false,
    description: 'put other values of the same variables aside until detach',
  }),
  'accept-no-internet': Flags.boolean({
    default: false,
    description: 'even when a function will reach the internet no more',
  }),
};
