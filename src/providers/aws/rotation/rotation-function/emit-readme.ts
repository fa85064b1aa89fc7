import type { EmitInput } from './emit-input.ts';
import { removalCommands } from './find-rotation-functions.ts';

/** How the function is brought up, used and taken down: exact commands, to be run in the folder. */
export function rotationReadme(input: EmitInput): string {
  const { functionName: name, account, settings, region } = input;
  const secret = settings.secret;
  return `# Rotation of ${settings.id} by Secrets Manager

Written by lambdapg ${input.version}. The function \`${name}\` rotates the login in
\`${secret}\`
on a schedule of Secrets Manager. It takes turns between \`${settings.slots.a}\` and \`${settings.slots.b}\`, as
\`lambdapg rotate-creds\` does, with the same decisions: a password is sent to the database as a SCRAM verifier, every endpoint has
to take the new login before it becomes AWSCURRENT, and whoever still uses the old one keeps it.

| file | |
|---|---|
| function.zip | the code: one file for Node, without dependencies, and the certificates of RDS |
| function.json | name, network, settings; nothing in it is a secret |
| role-trust.json, role-policy.json | the role: these secrets, its log, network interfaces |
| lambdapg-rotation.json | says what made this folder |

## Make it

\`\`\`sh
export AWS_REGION=${region}
aws iam create-role --role-name ${name} --assume-role-policy-document file://role-trust.json
aws iam put-role-policy --role-name ${name} --policy-name lambdapg --policy-document file://role-policy.json
sleep 15  # a new role is not seen at once
aws lambda create-function --cli-input-json file://function.json --zip-file fileb://function.zip
aws lambda wait function-active-v2 --function-name ${name}
aws lambda put-function-concurrency --function-name ${name} --reserved-concurrent-executions 1
aws lambda add-permission --function-name ${name} --statement-id secretsmanager \\
  --action lambda:InvokeFunction --principal secretsmanager.amazonaws.com --source-account ${account}
aws secretsmanager rotate-secret --secret-id ${secret} \\
  --rotation-lambda-arn arn:${input.partition}:lambda:${region}:${account}:function:${name} \\
  --rotation-rules '{"ScheduleExpression": "rate(30 days)", "Duration": "2h"}'
\`\`\`

The last one rotates at once; with \`--no-rotate-immediately\` Secrets Manager only runs the test step, which then looks whether the
present login works everywhere. From then on \`lambdapg rotate-creds\` refuses to rotate this secret itself and names these commands.

${networkNote(input)}

## Use it

\`\`\`sh
aws secretsmanager rotate-secret --secret-id ${secret}      # now
lambdapg rotate-creds --status                              # who holds which login
aws logs tail /aws/lambda/${name}
\`\`\`

After changes of the database (a reader more, a proxy) write the folder anew, then:

\`\`\`sh
aws lambda update-function-code --function-name ${name} --zip-file fileb://function.zip
aws lambda wait function-updated-v2 --function-name ${name}
aws lambda update-function-configuration --function-name ${name} \\
  --environment "$(node -p 'JSON.stringify(require("./function.json").Environment)')"
aws iam put-role-policy --role-name ${name} --policy-name lambdapg --policy-document file://role-policy.json
\`\`\`

## What is different from \`lambdapg rotate-creds\`

* **The old login lives until the next rotation begins.** A step may not wait for a drain, so the first step of the next rotation
  retires it: a password that has leaked works for up to two periods. \`lambdapg rotate-creds\` retires it within minutes.
* **Nobody is asked, and nothing is shifted.** Only consumers that read the secret by themselves may use it: those with variables of
  their own, copies and functions that read once need \`lambdapg rotate-creds\`.
* **Two rotations need ${settings.drainSeconds} seconds between them** (drainSeconds of the settings: the longest cache and function
  timeout). A rotation that is asked for earlier fails in its first step and changes nothing; Secrets Manager asks again.
* The way back, \`--rollback\`, is not for it: rotate again, after the drain.

## When it fails

Secrets Manager calls again by itself, from the first step on. Each step looks before it acts, so nothing is done twice. The message
stands in the log, without a secret. \`AWSPENDING\` stays on the version until it succeeds.

\`\`\`sh
aws secretsmanager describe-secret --secret-id ${secret}
lambdapg rotate-creds --status
\`\`\`

## Take it away

Before \`lambdapg destroy\`, too, which says so: the network cannot go while the function is in it.

\`\`\`sh
${removalCommands({ name, secret, isOwn: true }).join('\n')}
lambdapg rotate-creds --resume                              # finishes what was open, and retires the old login
\`\`\`
`;
}

function networkNote({ network, settings, functionName }: EmitInput): string {
  const ports = [
    'the database on port 5432',
    ...(settings.proxyEndpoints.length > 0 ? ['the proxy on port 5432'] : []),
    'Secrets Manager on port 443 (an interface endpoint, or a NAT gateway)',
  ];
  const way = `**Network.** The function has to reach ${ports.join(', ')}.`;
  if (network === undefined)
    return `${way} No function of this stage was found, so **put subnets and security groups into function.json** before you make it.`;
  const groups = network.securityGroupIds.join(', ');
  const proxied =
    settings.proxyEndpoints.length === 0
      ? ''
      : ` Behind a proxy the functions of a stage do not reach the database itself, but its runner does; without a runner, give ${functionName} a security group that the database lets in, too.`;
  return `${way} It has the subnets and security groups (${groups}) of the stage's functions.${proxied}`;
}
