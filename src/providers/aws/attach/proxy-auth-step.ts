import {
  type DBProxy,
  DescribeDBProxiesCommand,
  ModifyDBProxyCommand,
  type UserAuthConfig,
  type UserAuthConfigInfo,
} from '@aws-sdk/client-rds';
import { unlessGone } from '../judge.ts';
import { absent, difference } from '../steps/tagged.ts';
import { descriptionOf, functionsOf } from './attach-names.ts';
import type { AttachStep, AttachWorld } from './attach-world.ts';

type Auths = readonly UserAuthConfig[];

/**
 * One more secret that a proxy takes; its description names the functions that need it. The list is written as a whole, so it is
 * read again just before. @param secretArn absent while it is taken away
 */
export function proxyAuthStep(
  { aws }: AttachWorld,
  functionName: string,
  proxyName: string,
  needs: readonly AttachStep<unknown>[],
  secretArn?: string,
): AttachStep<null> {
  const isOurs = (auth: UserAuthConfig): boolean => functionsOf(auth.Description).includes(functionName);
  const change = async (how: (auths: Auths) => UserAuthConfig[]): Promise<void> => {
    const proxy = await describeProxy(aws, proxyName);
    const Auth = how((proxy?.Auth ?? []).map(authOf));
    await aws.write.rds.send(new ModifyDBProxyCommand({ DBProxyName: proxyName, Auth }));
  };
  return {
    id: `proxy-auth:${functionName}`,
    title: `secrets that RDS Proxy ${proxyName} takes`,
    needs,
    patienceMs: 30 * 60_000,
    async find() {
      const proxy = await describeProxy(aws, proxyName);
      if (proxy === undefined) return absent;
      const auths = (proxy.Auth ?? []).map(authOf);
      if (proxy.Status !== 'available') return { state: 'pending', have: null, why: String(proxy.Status) };
      if (secretArn === undefined) return auths.some(isOurs) ? { state: 'ready', have: null } : absent;
      const known = auths.find(({ SecretArn }) => SecretArn === secretArn);
      const isTheirs = known !== undefined && functionsOf(known.Description).length === 0;
      if (isTheirs || (known !== undefined && isOurs(known))) return { state: 'ready', have: null };
      return { state: 'drifted', have: null, differences: [difference('Auth', 'without', secretArn, true)] };
    },
    async create() {},
    async update() {
      if (secretArn !== undefined) await change((auths) => withFunction(auths, functionName, secretArn));
    },
    remove: () => change((auths) => withoutFunction(auths, functionName)),
  };
}

function withFunction(auths: Auths, functionName: string, SecretArn: string): UserAuthConfig[] {
  const known = auths.find((auth) => auth.SecretArn === SecretArn);
  const names = [...new Set([...functionsOf(known?.Description), functionName])].sort();
  return [
    ...auths.filter((auth) => auth !== known),
    { Description: descriptionOf(...names), AuthScheme: 'SECRETS', SecretArn, IAMAuth: 'DISABLED' },
  ];
}

function withoutFunction(auths: Auths, functionName: string): UserAuthConfig[] {
  return auths.flatMap((auth) => {
    const names = functionsOf(auth.Description);
    if (!names.includes(functionName)) return [auth];
    const others = names.filter((name) => name !== functionName);
    return others.length === 0 ? [] : [{ ...auth, Description: descriptionOf(...others) }];
  });
}

export async function describeProxy(aws: AttachWorld['aws'], name: string): Promise<DBProxy | undefined> {
  const found = await unlessGone(aws.read.rds.send(new DescribeDBProxiesCommand({ DBProxyName: name })));
  return found?.DBProxies?.[0];
}

/** ModifyDBProxy takes the whole list. */
const authOf = (auth: UserAuthConfigInfo): UserAuthConfig => ({
  Description: auth.Description,
  UserName: auth.UserName,
  AuthScheme: auth.AuthScheme,
  SecretArn: auth.SecretArn,
  IAMAuth: auth.IAMAuth,
  ClientPasswordAuthType: auth.ClientPasswordAuthType,
});
