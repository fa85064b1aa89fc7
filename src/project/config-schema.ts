// Not `{ z }`: that form brings zod's messages in forty languages into the bundle.
import * as z from 'zod';
import { findNameFault } from './names.ts';
import { postgresMajors } from './postgres-packages.ts';

export const languages = ['node', 'python'] as const;
export const packageManagers = ['npm', 'pnpm', 'yarn', 'bun'] as const;
export const runtimes = ['nodejs24.x', 'nodejs22.x', 'python3.13', 'python3.14'] as const;
export const architectures = ['arm64', 'x86_64'] as const;

export type Language = (typeof languages)[number];
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
    language: z.enum(languages),
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
    functions: z.record(functionName, functionSchema).describe('The functions by name.'),
  })
  .describe('The answers a lambdapg project was made with. What exists in a cloud is never written here.');

export type ProjectConfig = z.infer<typeof configSchema>;
export type FunctionConfig = ProjectConfig['functions'][string];
