import type { DatabaseAuth, DatabaseKind, EngineKind, Framework, Language, Packaging } from './choices.ts';

/** The answers that may contradict each other. */
export interface Crossing {
  readonly engine: EngineKind;
  readonly language: Language;
  readonly framework: Framework;
  readonly packaging: Packaging;
  readonly database: DatabaseKind;
  readonly proxy: boolean;
  readonly auth: DatabaseAuth;
  /** Undefined when nobody asked for one. */
  readonly network: string | undefined;
  readonly subnets: number;
  /** Aurora's smallest capacity; 0 lets it pause. */
  readonly minAcu: number;
  readonly reader: boolean;
}

export interface CrossingFault {
  /** Where the answer that has to change stands in `lambdapg.json`. */
  readonly path: readonly string[];
  /** Lower case, no final period: what cannot be together, and why. */
  readonly reason: string;
  /** A flag that ends it. */
  readonly fix: string;
}

interface Rule extends CrossingFault {
  readonly isBroken: (crossing: Crossing) => boolean;
}

const isOutside = ({ database }: Crossing): boolean => database === 'heroku' || database === 'url';

const rules: readonly Rule[] = [
  {
    isBroken: ({ framework, language }) => framework === 'hono' && language !== 'node',
    path: ['framework'],
    reason: 'hono is a framework of Node, and the language is python',
    fix: '--language node, or --framework fastapi',
  },
  {
    isBroken: ({ framework, language }) => framework === 'fastapi' && language !== 'python',
    path: ['framework'],
    reason: 'fastapi is a framework of Python, and the language is node',
    fix: '--language python, or --framework hono',
  },
  {
    isBroken: ({ packaging, language }) => packaging === 'layer' && language !== 'python',
    path: ['packaging'],
    reason: "a layer is for Python's packages; a Node function is one small bundle",
    fix: '--packaging zip',
  },
  {
    isBroken: (crossing) => crossing.proxy && isOutside(crossing),
    path: ['cloud', 'proxy'],
    reason: 'an RDS Proxy stands in front of RDS and Aurora only, and this database is outside AWS',
    fix: '--no-proxy',
  },
  {
    isBroken: (crossing) => crossing.auth === 'iam' && isOutside(crossing),
    path: ['cloud', 'auth'],
    reason: 'IAM authentication is a feature of RDS and Aurora, and this database is outside AWS',
    fix: '--auth secret',
  },
  {
    isBroken: (crossing) => crossing.network !== undefined && isOutside(crossing),
    path: ['cloud', 'network'],
    reason:
      'functions reach a database outside AWS over the internet, with verified TLS: they are in no network of yours',
    fix: 'leave --network out',
  },
  {
    isBroken: (crossing) => crossing.engine === 'none' && isOutside(crossing),
    path: ['engine'],
    reason: 'without an engine lambdapg makes the database itself, and it makes RDS and Aurora',
    fix: '--engine serverless, cdk, terraform or sam; or --database rds',
  },
  {
    isBroken: ({ database, proxy, minAcu }) => database === 'aurora' && proxy && minAcu === 0,
    path: ['cloud', 'proxy'],
    reason: 'an RDS Proxy keeps connections open, so that Aurora with minAcu 0 would never pause',
    fix: '--no-proxy, or --min-acu 0.5',
  },
  {
    // docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-limitations
    isBroken: ({ database, reader, auth }) => database === 'rds' && reader && auth === 'secret',
    path: ['cloud', 'database', 'reader'],
    reason:
      'RDS makes no read replica of an instance whose master password it keeps, as it does with logins by secret',
    fix: '--auth iam, --database aurora, or --no-reader',
  },
  {
    // The provider has no attribute for a master user that logs in by IAM, so that RDS keeps its password as well.
    isBroken: ({ engine, database, reader, auth }) =>
      engine === 'terraform' && database === 'rds' && reader && auth === 'iam',
    path: ['cloud', 'database', 'reader'],
    reason:
      'RDS makes no read replica of an instance whose master password it keeps, and with Terraform any other password would stand in the state',
    fix: '--database aurora, or --no-reader',
  },
  {
    isBroken: ({ network, subnets }) => network === 'existing' && subnets < 2,
    path: ['cloud', 'network', 'subnetIds'],
    reason: 'an existing network needs two subnets, in two zones of one VPC',
    fix: '--subnets subnet-1…,subnet-2…',
  },
];

/** Every pair of answers that cannot be together. */
export function findCrossingFaults(crossing: Crossing): CrossingFault[] {
  return rules.filter(({ isBroken }) => isBroken(crossing));
}
