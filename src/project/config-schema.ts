// Not `{ z }`: that form brings zod's messages in forty languages into the bundle.
import * as z from 'zod';
import {
  databaseAuths,
  databaseKinds,
  engineKinds,
  frameworks,
  languages,
  networkKinds,
  packagings,
} from './choices.ts';
import { findCrossingFaults } from './crossings.ts';
import { findNameFault } from './names.ts';
import { postgresMajors } from './postgres-packages.ts';
import { rotationSchema } from './rotation-schema.ts';

export const packageManagers = ['npm', 'pnpm', 'yarn', 'bun'] as const;
export const runtimes = ['nodejs24.x', 'nodejs22.x', 'python3.13', 'python3.14'] as const;
export const architectures = ['arm64', 'x86_64'] as const;

export const retentionDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731] as const;

export type PackageManager = (typeof packageManagers)[number];
export type Runtime = (typeof runtimes)[number];

const functionName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/)
  .describe('Lower-case name of a function, at most 40 characters; deployed as <project>-<stage>-<name>.');

const functionSchema = z
  .strictObject({
    handler: z
      .string()
      .regex(/^[\w./-]+\.\w+$/, 'expected <path without extension>.<exported name>, such as src/api.handler')
      .describe(
        'Source file without its extension, a dot, and the exported handler: src/api.handler, app/api.handler.',
      ),
    timeoutSeconds: z.int().min(1).max(900).default(10).describe('Seconds; AWS allows 1 to 900.'),
    memoryMb: z.int().min(128).max(10_240).default(256).describe('MB; AWS allows 128 to 10240.'),
    reservedConcurrency: z
      .int()
      .min(0)
      .optional()
      .describe('Most execution environments at once; 429 above it.'),
    environment: z
      .record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]+$/), z.string())
      .default({})
      .describe('Environment variables. Never a secret: those come from the database settings.'),
    routes: z
      .array(
        z
          .string()
          .regex(
            /^(\$default|(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/\S*)$/,
            'expected "$default" or "<METHOD> /path", such as "GET /books/{id}"',
          ),
      )
      .default([])
      .describe('HTTP API routes in AWS form: "GET /books/{id}", "ANY /{proxy+}", "$default".'),
    schedule: z
      .string()
      .regex(/^(rate|cron)\(.+\)$/, 'expected rate(...) or cron(...)')
      .optional()
      .describe('EventBridge schedule: rate(1 day) or cron(0 6 * * ? *).'),
  })
  .describe('One Lambda function.');

const proxySchema = z
  .strictObject({
    borrowTimeoutSeconds: z
      .int()
      .min(0)
      .max(300)
      .default(120)
      .describe('How long a client may wait for a connection of the pool before it gets an error.'),
    maxConnectionsPercent: z
      .int()
      .min(1)
      .max(100)
      .default(80)
      .describe("Share of the database's max_connections that the proxy may open."),
    maxIdleConnectionsPercent: z
      .int()
      .min(0)
      .max(100)
      .default(50)
      .describe('Share of max_connections that it keeps open while nobody needs them.'),
    idleClientTimeoutSeconds: z
      .int()
      .min(1)
      .max(28_800)
      .default(1_800)
      .describe('Clients that ask nothing for this long are cut off.'),
    pinningFilters: z
      .array(
        z.never(
          'expected nothing: the one filter of RDS Proxy, EXCLUDE_VARIABLE_SETS, is for MySQL; a SET of PostgreSQL always pins',
        ),
      )
      .default([])
      .describe(
        'Always empty: the one filter, EXCLUDE_VARIABLE_SETS, is for MySQL. A SET of PostgreSQL always pins.',
      ),
    initQuery: z
      .string()
      .optional()
      .describe('SQL that the proxy runs on each new connection to the database.'),
    requireTls: z.boolean().default(true).describe('Refuse clients without TLS.'),
  })
  .describe('RDS Proxy between functions and database.');

/** EC2 would silently take 10.20.1.0/22 for 10.20.0.0/22, and then it is another than the one that was asked for. */
function isAligned(cidr: string): boolean {
  const [address = '', bits = '0'] = cidr.split('/');
  const parts = address.split('.').map(Number);
  const first = parts.reduce((sum, part) => sum * 256 + part, 0);
  return parts.every((part) => part <= 255) && first % 2 ** (32 - Number(bits)) === 0;
}

const cloudSchema = z
  .strictObject({
    provider: z.literal('aws').default('aws'),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected a region such as eu-central-1')
      .optional()
      .describe('AWS region; else the one of the AWS profile or environment.'),
    database: z
      .strictObject({
        kind: z
          .enum(databaseKinds)
          .default('rds')
          .describe('RDS instance, Aurora Serverless v2 cluster, Heroku Postgres, or any that has a URL.'),
        herokuAddon: z
          .string()
          .regex(/^[\w-]+$/)
          .optional()
          .describe('Heroku only: name or id of the add-on, such as postgresql-round-12345.'),
        version: z
          .string()
          .regex(/^\d+(\.\d+)?$/, 'expected a version such as "17.9"')
          .optional()
          .describe('Engine version such as "17.9"; else the newest of postgres.version that AWS offers.'),
        instanceClass: z.string().default('db.t4g.micro').describe('RDS only.'),
        storageGb: z.int().min(20).max(65_536).default(20).describe('RDS only; gp3, GiB.'),
        multiAz: z.boolean().default(false).describe('RDS only: a standby in a second zone.'),
        minAcu: z.number().min(0).max(256).multipleOf(0.5).default(0.5).describe('Aurora only; 0 pauses.'),
        maxAcu: z.number().min(1).max(256).multipleOf(0.5).default(2).describe('Aurora only.'),
        autoPauseSeconds: z.int().min(300).max(86_400).default(300).describe('Aurora with minAcu 0 only.'),
        reader: z.boolean().default(false).describe('A read replica (RDS) or a reader (Aurora).'),
        backupDays: z.int().min(1).max(35).default(7),
        deletionProtection: z.boolean().default(true),
      })
      // Only a minimum that was given can be above: its default is below every maximum.
      .refine(({ minAcu, maxAcu }) => minAcu <= maxAcu, {
        path: ['minAcu'],
        error: 'expected no more than maxAcu, which is 2 unless told',
      })
      .prefault({}),
    proxy: z
      .union(
        [z.literal(false), proxySchema],
        'expected false, or settings such as {"maxConnectionsPercent": 80}',
      )
      .default(false)
      .describe('false, or the settings of RDS Proxy.'),
    auth: z
      .enum(databaseAuths)
      .default('secret')
      .describe('How functions log in: a secret in Secrets Manager, or IAM from end to end.'),
    network: z
      .strictObject({
        kind: z
          .enum(networkKinds)
          .default('isolated')
          .describe('A new VPC without NAT, a new VPC with one NAT gateway, or subnets that exist.'),
        cidr: z
          .string()
          .regex(/^(\d{1,3}\.){3}\d{1,3}\/(1[6-9]|2[0-4])$/, 'expected a block such as 10.20.0.0/22')
          .refine(isAligned, 'expected a block that begins at a multiple of its size, such as 10.20.0.0/22')
          .default('10.20.0.0/22')
          .describe('Of a new VPC.'),
        subnetIds: z
          .array(
            z.string().regex(/^subnet-[0-9a-f]+$/, 'expected the id of a subnet, such as subnet-0a1b2c3d'),
          )
          .default([])
          .describe('Of an existing network: at least two, in two zones of one VPC.'),
      })
      .prefault({}),
    connections: z
      .strictObject({
        perEnvironment: z.int().min(1).default(1).describe('Connections of one execution environment.'),
        otherConsumers: z
          .int()
          .min(0)
          .default(10)
          .describe('Connections kept for people and other programs.'),
      })
      .prefault({}),
    logRetentionDays: z
      .union(retentionDays.map((days) => z.literal(days)))
      .default(14)
      .describe('The values that CloudWatch Logs knows.'),
    healthPath: z
      .string()
      .regex(/^\/\S*$/)
      .default('/health')
      .describe('Asked after a deployment; a bad answer rolls it back.'),
    rotation: rotationSchema.prefault({}),
    dbHostMap: z
      .record(z.string(), z.string())
      .default({})
      .describe('Where a database name is reached from here: {"db.example.com": "127.0.0.1:5433"}.'),
  })
  .describe(
    'What `lambdapg provision` and `deploy` make. Names and ids of what exists are never written here.',
  );

/** The one source of `lambdapg.json`'s shape: parsing, types and the published JSON Schema all come from it. */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional(),
    name: z
      .string()
      .superRefine((name, issues) => {
        const fault = findNameFault(name);
        if (fault !== undefined)
          issues.addIssue({ code: 'custom', message: `"${name}" cannot name a project: ${fault}` });
      })
      .describe('The project, in kebab case; prefix of every resource, role and package name.'),
    template: z.string().describe('The template it was generated from.'),
    engine: z
      .enum(engineKinds)
      .default('none')
      .describe("Who makes the cloud's resources: none (lambdapg itself), or the engine of the project."),
    language: z.enum(languages),
    framework: z.enum(frameworks).default('none').describe('What the handlers are written with.'),
    packaging: z
      .enum(packagings)
      .default('zip')
      .describe("layer: a Python project's packages go into a Lambda layer of their own."),
    packageManager: z.enum(packageManagers).default('npm'),
    runtime: z.enum(runtimes).describe("The functions' Lambda runtime."),
    architecture: z.enum(architectures).default('arm64'),
    postgres: z
      .strictObject({
        version: z
          .union(postgresMajors.map((major) => z.literal(major)))
          .default(17)
          .describe('PostgreSQL major version.'),
      })
      .prefault({}),
    cloud: cloudSchema.prefault({}),
    functions: z.record(functionName, functionSchema).describe('The functions by name.'),
  })
  .superRefine(({ engine, language, framework, packaging, cloud }, issues) => {
    const { database, proxy, auth, network } = cloud;
    const faults = findCrossingFaults({
      ...{ engine, language, framework, packaging, auth, minAcu: database.minAcu },
      reader: database.reader,
      database: database.kind,
      proxy: proxy !== false,
      // Its default is no answer. Subnets are counted where they are looked up.
      network: network.kind === 'isolated' ? undefined : network.kind,
      subnets: Number.POSITIVE_INFINITY,
    });
    for (const { path, reason } of faults)
      issues.addIssue({ code: 'custom', path: [...path], message: reason, params: { isCrossing: true } });
  })
  .describe('The answers a lambdapg project was made with. What exists in a cloud is never written here.');

export type ProjectConfig = z.infer<typeof configSchema>;
export type CloudConfig = z.infer<typeof cloudSchema>;
export type ProxyConfig = z.infer<typeof proxySchema>;
export type FunctionConfig = ProjectConfig['functions'][string];
