import { exitCodes, UserError } from '../errors.ts';
import type { Choices, Language } from '../project/choices.ts';
import type { Runtime } from '../project/config-schema.ts';
import { nearest } from '../project/nearest.ts';

/** A name for a set of choices. What it leaves out is the person's, or the default. */
export interface Template {
  readonly id: string;
  readonly summary: string;
  readonly choices: Partial<Choices>;
}

/** What is chosen when neither a flag nor the template says otherwise. */
export const defaultChoices: Choices = {
  engine: 'none',
  language: 'node',
  framework: 'none',
  packaging: 'zip',
  database: 'rds',
  proxy: false,
  auth: 'secret',
  network: 'isolated',
  reader: false,
};

export const templates: readonly Template[] = [
  {
    id: 'api',
    summary: 'HTTP API on RDS in a private network, made and deployed by lambdapg itself',
    choices: {},
  },
  {
    id: 'serverless-heroku',
    summary:
      'Serverless Framework (osls 4): HTTP API on Heroku Postgres, which changes its credentials at will',
    choices: { engine: 'serverless', language: 'node', database: 'heroku', network: 'none' },
  },
  {
    id: 'cdk-isolated-proxy',
    summary: 'AWS CDK: a VPC without internet, RDS behind RDS Proxy, migrations as part of the deployment',
    choices: { engine: 'cdk', language: 'python', proxy: true, network: 'isolated' },
  },
  {
    id: 'terraform-aurora-fastapi',
    summary: 'Terraform: Aurora Serverless v2 behind RDS Proxy, FastAPI and SQLAlchemy, packages in a layer',
    choices: {
      engine: 'terraform',
      language: 'python',
      framework: 'fastapi',
      packaging: 'layer',
      database: 'aurora',
      proxy: true,
    },
  },
  {
    id: 'cdk-nat',
    summary: 'AWS CDK: a VPC with one NAT gateway, RDS directly, or through RDS Proxy with --proxy',
    choices: { engine: 'cdk', language: 'node', network: 'nat' },
  },
  {
    id: 'sam-proxy',
    summary: 'AWS SAM: a VPC without internet, RDS behind RDS Proxy',
    choices: { engine: 'sam', language: 'node', proxy: true },
  },
];

/** The Lambda runtimes of a language, the default first. */
export const runtimesOf: Readonly<Record<Language, readonly Runtime[]>> = {
  node: ['nodejs24.x', 'nodejs22.x'],
  python: ['python3.13', 'python3.14'],
};

/** @throws UserError UNKNOWN_TEMPLATE, naming the nearest one and all that exist */
export function getTemplate(id: string): Template {
  const template = templates.find((candidate) => candidate.id === id);
  if (template !== undefined) return template;
  const known = templates.map((candidate) => candidate.id);
  const near = nearest(id, known);
  throw new UserError('UNKNOWN_TEMPLATE', `unknown template "${id}"; known: ${known.join(', ')}`, {
    exit: exitCodes.usage,
    suggestions: [`--template ${near ?? known[0]}`, 'lambdapg init --list-templates shows what each one is'],
  });
}

/** What `--list-templates` shows: `text` for a person, the rest for a program. */
export function listTemplates(): readonly {
  id: string;
  summary: string;
  choices: Choices;
  text: string;
}[] {
  const width = Math.max(...templates.map(({ id }) => id.length));
  return templates.map(({ id, summary, choices }) => ({
    id,
    summary,
    choices: { ...defaultChoices, ...choices },
    text: `${id.padEnd(width)}  ${summary}`,
  }));
}
