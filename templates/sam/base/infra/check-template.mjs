// Says where template.yaml and lambdapg.json disagree about a function: CloudFormation cannot read the latter, which
// `npm run dev` and `lambdapg package` go by. Run by `npm run check-template`, and before each deployment.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const config = JSON.parse(read('lambdapg.json'));
// CloudFormation's tags (!Ref) are unknown to YAML, and what they stand for is not compared.
const template = parse(read('template.yaml'), { logLevel: 'error' });

const faults = [];
const compare = (what, inTemplate, wanted) => {
  const [a, b] = [inTemplate, wanted].map((value) => JSON.stringify(value) ?? 'nothing');
  if (a !== b) faults.push(`${what}: ${a} in template.yaml, ${b} in lambdapg.json`);
};

const globals = template.Globals?.Function ?? {};
compare('runtime', globals.Runtime, config.runtime);
compare('architecture', globals.Architectures?.[0], config.architecture ?? 'arm64');

const resources = Object.values(template.Resources).filter(
  ({ Type }) => Type === 'AWS::Serverless::Function',
);
const zipOf = (name) => `.lambdapg/package/${name}.zip`;

for (const [name, wanted] of Object.entries(config.functions)) {
  const have = resources.find(({ Properties }) => Properties.CodeUri === zipOf(name))?.Properties;
  if (have === undefined) {
    faults.push(`function ${name}: no AWS::Serverless::Function in template.yaml has CodeUri ${zipOf(name)}`);
    continue;
  }
  const events = Object.values(have.Events ?? {});
  const routes = events.filter(({ Type }) => Type === 'HttpApi').map(({ Properties }) => routeOf(Properties));
  const schedule = events.find(({ Type }) => Type === 'Schedule')?.Properties.Schedule;
  compare(`${name}, handler`, have.Handler, deployedHandler(wanted.handler));
  compare(`${name}, memory`, have.MemorySize ?? 128, wanted.memoryMb ?? 256);
  compare(`${name}, timeout`, have.Timeout ?? 3, wanted.timeoutSeconds ?? 10);
  compare(`${name}, concurrency`, have.ReservedConcurrentExecutions, wanted.reservedConcurrency);
  compare(`${name}, routes`, routes.sort(), [...(wanted.routes ?? [])].sort());
  compare(`${name}, schedule`, schedule, wanted.schedule);
  for (const [variable, value] of Object.entries(wanted.environment ?? {}))
    compare(`${name}, ${variable}`, have.Environment?.Variables?.[variable], value);
}
for (const { Properties } of resources) {
  const name = /\/([^/]+)\.zip$/.exec(Properties.CodeUri)?.[1];
  if (config.functions[name] === undefined) faults.push(`function ${name}: it is not in lambdapg.json`);
}

/** A Node bundle is always called index; a Python function keeps its path. */
function deployedHandler(handler) {
  return config.language === 'node' ? `index.${handler.split('.').pop()}` : handler;
}

function routeOf({ Method, Path }) {
  return Path === undefined ? '$default' : `${(Method ?? 'ANY').toUpperCase()} ${Path}`;
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
