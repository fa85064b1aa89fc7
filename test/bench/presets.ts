import { cp, mkdir, rm, stat, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { execa } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { type LocalFunction, startLocalLambda } from '../../src/local/lambda/local-lambda.ts';
import type { LocalPostgres } from '../../src/local/postgres/local-postgres.ts';
import { bundleFunction } from '../../src/project/bundle.ts';
import type { Language } from '../../src/project/choices.ts';
import { templates } from '../../src/scaffold/catalog.ts';
import { testContext } from '../postgres-server.ts';
import { startSecretsEndpoint, testAwsEnvironment, testSecretArn } from '../runtime/secrets-endpoint.ts';
import { answersFor, renderProject, writeFiles } from '../templates/generate.ts';
import { type Benchmark, repository, withLibrary } from './bed.ts';
import { measurePairs, median, pairedRatio, quantile } from './statistics.ts';
import { atMost, formatMs, type Row } from './table.ts';

const renders = 7;
const starts = 11;
const articles = join(repository, 'test/bench/peers/articles');

/** Generating each preset, and what its handler costs from process start to the first row. */
export const presets: Benchmark = {
  name: 'presets',
  method: `Render: layers read, rendered and written, in one warm process, against a copy of the same files. First row: Init phase
plus first invocation in a new execution environment of the local Lambda, in turn with the driver alone (its password in the
environment). Secrets Manager and Heroku's API are servers on this computer, reached without TLS; the goal leaves their round trip
out, as measured from a new connection. The articles' handlers are hand-written after their description and mended where they
would not run today. Python is this computer's.`,
  async measure(bed) {
    const rows = await measureRendering(bed.folder);
    const projectDir = await bed.project();
    return [...rows, ...(await withLibrary(projectDir, (local) => measureStarts(bed.folder, local)))];
  },
};

async function measureRendering(folder: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { id } of templates) {
    const [model, made] = [join(folder, `model-${id}`), join(folder, `made-${id}`)];
    const files = await renderProject(answersFor(id));
    await writeFiles(files, model);
    const timed = async (work: () => Promise<void>): Promise<number> => {
      await rm(made, { recursive: true, force: true });
      const begin = performance.now();
      await work();
      return performance.now() - begin;
    };
    const { subject, peer } = await measurePairs(
      renders,
      () => timed(async () => writeFiles(await renderProject(answersFor(id)), made)),
      () => timed(() => cp(model, made, { recursive: true })),
    );
    rows.push({
      ...{
        subject: `render of \`${id}\` (${files.size} files)`,
        n: renders,
        measured: formatMs(median(subject)),
      },
      ...{ peer: `copy ${formatMs(median(peer))}`, ratio: pairedRatio(subject, peer) },
    });
  }
  return rows;
}

/** A handler that is started again and again. */
interface Subject {
  readonly title: string;
  readonly fn: LocalFunction;
  readonly bytes?: number;
  /** How often it fetches credentials before its first row. */
  readonly fetches: number;
  readonly isOurs: boolean;
}

async function measureStarts(folder: string, local: LocalPostgres): Promise<Row[]> {
  const plain = await functionEnvironment(local.slots.a, local.caFile);
  const { PGUSER = '', PGPASSWORD = '', ...place } = plain;
  const secrets = await startSecretsEndpoint(JSON.stringify({ username: PGUSER, password: PGPASSWORD }));
  const url = `postgres://${PGUSER}:${encodeURIComponent(PGPASSWORD)}@${plain.PGHOST}:${plain.PGPORT}/${plain.PGDATABASE}`;
  const heroku = await startHerokuConfig(url);
  const aws = { ...testAwsEnvironment, AWS_DEFAULT_REGION: testAwsEnvironment.AWS_REGION };
  const withSecret = {
    ...{ ...place, ...aws, AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url },
    ...{ LAMBDAPG_SECRET_ARN: testSecretArn, DB_SECRET_ARN: testSecretArn },
  };
  const withHeroku = {
    ...{ ...place, ...aws, AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url },
    ...{ HEROKU_API_URL: heroku.url, HEROKU_ADDON: 'addon', HEROKU_KEY: 'key' },
    ...{
      LAMBDAPG_HEROKU_API_URL: heroku.url,
      LAMBDAPG_HEROKU_ADDON: 'addon',
      LAMBDAPG_HEROKU_KEY_ARN: keyArn,
    },
  };
  secrets.secrets[keyArn] = 'key';
  try {
    const fetchMs = await measureFetch(heroku.url);
    const node = await nodeSubjects(folder, { plain, withSecret, withHeroku });
    const python = await pythonSubjects(folder, { plain, withSecret });
    return [...(await compareStarts(node, fetchMs)), ...(await compareStarts(python, fetchMs))];
  } finally {
    await Promise.all([secrets.close(), heroku.close()]);
  }
}

const keyArn = testSecretArn.replace('library/a', 'library/key');

type Environments = Readonly<Record<'plain' | 'withSecret' | 'withHeroku', Record<string, string>>>;

async function nodeSubjects(
  folder: string,
  { plain, withSecret, withHeroku }: Environments,
): Promise<Subject[]> {
  const project = await makeProject(folder, 'cdk-nat');
  const hono = await makeProject(folder, 'api', 'hono');
  for (const name of ['heroku-pool.ts', 'secret-client.ts'])
    await cp(join(articles, name), join(project, 'src', name));
  await cp(join(repository, 'test/bench/peers/bare-handler.ts'), join(project, 'src/bare.ts'));
  const subject = async (
    ...[title, environment, fetches, handler, dir = project]: [
      string,
      Record<string, string>,
      number,
      string,
      string?,
    ]
  ): Promise<Subject> => {
    const functionName = title.replace(/\W+/g, '-').slice(0, 30);
    const bundle = await bundleFunction({ projectDir: dir, functionName, handler, runtime: 'nodejs24.x' });
    const fn = localFunction(title, 'node', process.execPath, { ...bundle, environment });
    return { title, fn, bytes: bundle.bytes, fetches, isOurs: handler === 'src/api.handler' };
  };
  return [
    await subject('pg alone', plain, 0, 'src/bare.handler'),
    await subject('`api` in Node, secret', withSecret, 1, 'src/api.handler'),
    await subject('`hono`, secret', withSecret, 1, 'src/api.handler', hono),
    await subject("`api` in Node, Heroku's API", withHeroku, 2, 'src/api.handler'),
    await subject("the Heroku article's handler", withHeroku, 1, 'src/heroku-pool.handler'),
    await subject("the NAT article's handler (SDK)", withSecret, 1, 'src/secret-client.handler'),
  ];
}

async function pythonSubjects(
  folder: string,
  { plain, withSecret }: Pick<Environments, 'plain' | 'withSecret'>,
): Promise<Subject[]> {
  const [api, fastapi] = [
    await makeProject(folder, 'api', 'none', 'python'),
    await makeProject(folder, 'terraform-aurora-fastapi'),
  ];
  const peers = join(folder, 'python-peers');
  const packages = join(repository, '.cache/bench/python');
  await cp(articles, peers, { recursive: true });
  const python = join(repository, '.venv/bin/python');
  if (!(await stat(packages).catch(() => undefined)))
    await execa(python, [
      '-m',
      'pip',
      'install',
      '-q',
      '--target',
      packages,
      'psycopg2-binary==2.9.13',
      'boto3',
      'mangum',
    ]);
  const subject = (
    ...[title, environment, fetches, handler, codeDir]: [
      string,
      Record<string, string>,
      number,
      string,
      string,
    ]
  ): Subject => ({
    ...{ title, fetches, isOurs: codeDir !== peers },
    fn: localFunction(title, 'python', python, {
      codeDir,
      handler,
      environment: { ...environment, PYTHONPATH: packages },
    }),
  });
  return [
    subject('psycopg alone', plain, 0, 'bare_psycopg.handler', peers),
    subject('`api` in Python, secret', withSecret, 1, 'app/api.handler', api),
    subject('FastAPI, secret', withSecret, 1, 'app/api.handler', fastapi),
    subject(
      "the RDS Proxy article's handler (boto3, psycopg2)",
      withSecret,
      1,
      'secret_psycopg2.handler',
      peers,
    ),
    subject("the FastAPI article's handler (boto3)", withSecret, 1, 'fastapi_mangum.handler', peers),
  ];
}

/** Beside the repository's own packages in place of installed ones. */
async function makeProject(
  folder: string,
  template: string,
  framework?: string,
  language?: Language,
): Promise<string> {
  const project = join(folder, `project-${template}-${framework}-${language}`);
  await mkdir(project, { recursive: true });
  const flags = {
    ...(framework !== undefined && { framework }),
    ...(language !== undefined && { language }),
  };
  await writeFiles(await renderProject(answersFor(template, flags)), project);
  await symlink(join(repository, 'node_modules'), join(project, 'node_modules'), 'junction');
  await symlink(join(repository, '.venv'), join(project, '.venv'), 'junction');
  return project;
}

function localFunction(
  title: string,
  language: Language,
  executable: string,
  code: { readonly codeDir: string; readonly handler: string; readonly environment: Record<string, string> },
): LocalFunction {
  const { codeDir, handler, environment } = code;
  return {
    ...{ name: title.replace(/\W+/g, '-').slice(0, 40), language, executable, codeDir, handler, environment },
    ...{
      runtime: language === 'node' ? 'nodejs24.x' : 'python3.13',
      timeoutMs: 20_000,
      memoryMb: 512,
      routes: [],
    },
  };
}

const event = JSON.stringify({
  version: '2.0',
  routeKey: '$default',
  rawPath: '/books',
  rawQueryString: 'limit=2',
  headers: { host: 'localhost' },
  queryStringParameters: { limit: '2' },
  requestContext: {
    http: { method: 'GET', path: '/books', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'bench' },
    ...{ stage: '$default', domainName: 'localhost', requestId: 'bench' },
  },
  isBase64Encoded: false,
});

/** All of them in turn, in every round. */
async function compareStarts(subjects: readonly Subject[], fetchMs: number): Promise<Row[]> {
  const lambda = await startLocalLambda(testContext(), { functions: [], preferredPort: 0 });
  const times = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  try {
    for (let round = 0; round <= starts; round += 1) {
      for (const subject of subjects) {
        lambda.replace(subject.fn);
        const result = await lambda.invoke(subject.fn.name, event);
        const answer = 'payload' in result ? result.payload.toString() : JSON.stringify(result);
        if ('throttled' in result || result.initMs === undefined || !/"statusCode": ?200/.test(answer))
          throw new Error(`${subject.title}: ${answer}`);
        if (round > 0) times.get(subject)?.push(result.initMs + result.durationMs);
      }
    }
  } finally {
    await lambda.stop();
  }
  const [alone] = subjects;
  if (alone === undefined) return [];
  const base = times.get(alone) ?? [];
  return subjects.map((subject) => startRow(subject, times.get(subject) ?? [], base, fetchMs));
}

function startRow(
  { title, bytes, fetches, isOurs }: Subject,
  own: number[],
  base: number[],
  fetchMs: number,
): Row {
  const size = bytes === undefined ? '' : `, bundle ${(bytes / 1000).toFixed(0)} kB`;
  const net = pairedRatio(
    own.map((ms) => ms - fetches * fetchMs),
    base,
  );
  return {
    subject: `${title}: start to first row`,
    n: starts,
    measured: `${formatMs(median(own))} (p90 ${formatMs(quantile(own, 0.9))})${size}`,
    peer:
      fetches === 0
        ? 'itself'
        : `the driver alone ${formatMs(median(base))}; ${fetches} × ${formatMs(fetchMs)} of fetching left out`,
    ratio: net,
    ...(isOurs && { goal: atMost(net, 1.25) }),
  };
}

/** One request over a new connection. */
async function measureFetch(url: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const begin = performance.now();
    await (await fetch(`${url}/addons/addon/config`, { headers: { connection: 'close' } })).text();
    times.push(performance.now() - begin);
  }
  return median(times);
}

async function startHerokuConfig(value: string): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([{ name: 'DATABASE_URL', value }]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
