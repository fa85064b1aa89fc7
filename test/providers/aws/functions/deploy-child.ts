// Deploys in a process of its own, to be killed: node --import tsx deploy-child.ts <DeployInput as JSON>
import { type DeployInput, deployOnce } from './deploy-run.ts';

await deployOnce(JSON.parse(process.argv[2] ?? '') as DeployInput);
