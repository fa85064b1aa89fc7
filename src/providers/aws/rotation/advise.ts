import type { DatabaseAuth, DatabaseKind } from '../../../project/choices.ts';
import { findCrossingFaults } from '../../../project/crossings.ts';
import type { strategies } from '../../../rotation/decide/decision.ts';
import type { Stage } from '../stage.ts';

export interface AdviceInput {
  readonly database: DatabaseKind;
  readonly auth: DatabaseAuth;
  readonly proxy: boolean;
  readonly hasEngine: boolean;
  readonly stage: string;
  /** Why the answers would not go with `auth: iam`; empty when they do. */
  readonly crossings: readonly string[];
  /** Of `cloud.rotation.consumers`, those that need a password, for people. */
  readonly needPassword: readonly string[];
  /** The login names that take turns exist; undefined: nobody has looked. */
  readonly hasSlots?: boolean;
}

export interface Advice {
  readonly iam: {
    readonly state: 'in use' | 'possible' | 'in part' | 'impossible';
    readonly why: string;
    /** What changes in lambdapg.json. */
    readonly change?: { readonly cloud: { readonly auth: 'iam' } };
    readonly commands: readonly string[];
    readonly limits: readonly string[];
  };
  readonly strategy: (typeof strategies)[number] | 'none';
  readonly why: string;
  readonly commands: readonly string[];
}

/** Credentials that nobody has need no rotation: that is said first. Pure. */
export function adviseRotation(input: AdviceInput): Advice {
  const { strategy, why, commands } = fittingStrategy(input);
  return { iam: adviseIam(input), strategy, why, commands };
}

export function adviceInputOf({ cloud, config, stage }: Stage, hasSlots?: boolean): AdviceInput {
  const { database, proxy, auth, network } = cloud;
  const faults = findCrossingFaults({
    ...{ engine: config.engine, language: config.language, framework: config.framework },
    ...{ packaging: config.packaging, database: database.kind, proxy: proxy !== false, auth: 'iam' },
    ...{ network: network.kind === 'isolated' ? undefined : network.kind, subnets: Number.POSITIVE_INFINITY },
    ...{ minAcu: database.minAcu, reader: database.reader },
  });
  return {
    ...{ database: database.kind, auth, proxy: proxy !== false, hasEngine: config.engine !== 'none', stage },
    crossings: faults.map(({ reason }) => reason),
    needPassword: cloud.rotation.consumers
      .filter((consumer) => !('function' in consumer && consumer.credentials === 'module'))
      .map((consumer) => {
        if ('function' in consumer) return `function ${consumer.function} (${consumer.credentials})`;
        return 'parameter' in consumer ? `parameter ${consumer.parameter}` : `secret ${consumer.secret}`;
      }),
    ...(hasSlots !== undefined && { hasSlots }),
  };
}

/** docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html */
const limits = [
  'AWS recommends it for fewer than 200 new connections a second (measured here: never); a function that is called keeps its connection',
  'a token is good for 15 minutes and for new connections alone: sessions outlast it',
  'TLS is required, and the token is for the real name of the endpoint, no alias of DNS',
  'a member of rds_iam has no password any more: what logs in by one is refused from that moment on',
  'each function needs rds-db:connect for its login name, and a login is as safe as the role that may ask for it',
];

function adviseIam(input: AdviceInput): Advice['iam'] {
  const none = { commands: [], limits: [] };
  if (input.auth === 'iam')
    return { ...none, state: 'in use', why: 'functions log in by tokens that live for 15 minutes', limits };
  const obstacle = obstacleOf(input);
  if (obstacle !== undefined) return { ...none, state: 'impossible', why: obstacle };
  const { needPassword, hasEngine, stage } = input;
  const apply = hasEngine ? [] : [`lambdapg provision --stage ${stage}`];
  return {
    state: needPassword.length === 0 ? 'possible' : 'in part',
    why:
      needPassword.length === 0
        ? `functions could log in by tokens${input.proxy ? ', to the proxy and from there to the database' : ''}: there would be no password to rotate`
        : `the connection module could log in by tokens, but these need a password: ${needPassword.join(', ')}`,
    change: { cloud: { auth: 'iam' } },
    commands: [...apply, `lambdapg deploy --stage ${stage}`],
    limits: [
      ...limits,
      'the change itself is no rotation: new logins by password fail from the change of the roles until the deployment is done',
      ...(input.proxy
        ? ['the proxy needs IAM from end to end (DefaultAuthScheme IAM_AUTH), which takes no secrets']
        : []),
    ],
  };
}

function obstacleOf({ database, crossings }: AdviceInput): string | undefined {
  if (database === 'heroku') return 'Heroku Postgres knows passwords alone';
  if (database === 'url') return 'the database is outside RDS, whose feature IAM authentication is';
  return crossings[0];
}

function fittingStrategy({
  database,
  auth,
  proxy,
  hasSlots,
  stage,
}: AdviceInput): Pick<Advice, 'strategy' | 'why' | 'commands'> {
  const rotate = `lambdapg rotate-creds --stage ${stage}`;
  if (database === 'heroku')
    return {
      strategy: 'none',
      why: "Heroku rotates its credentials itself, and lambdapg's functions ask it again when one is refused",
      commands: ['heroku pg:credentials:rotate'],
    };
  if (auth === 'iam')
    return { strategy: 'none', why: 'there is no password that the functions have', commands: [] };
  if (hasSlots === false)
    return {
      strategy: 'slots',
      why: 'two logins take turns, so that both work while consumers change; the one role there is becomes the first of them, or stays alone with a second password (next)',
      commands: [`${rotate} --adopt <role> --plan`, `${rotate} --strategy next --plan`],
    };
  return {
    strategy: 'slots',
    why: `two logins take turns, so that both work while consumers change${proxy ? '; the proxy has a secret for each' : ''}`,
    commands: [`${rotate} --plan`, rotate],
  };
}
