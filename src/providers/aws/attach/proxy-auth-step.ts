import {
  type DBProxy,
  DescribeDBProxiesCommand,
  ModifyDBProxyCommand,
  type UserAuthConfig,
  type UserAuthConfigInfo,
} from '@aws-sdk/client-rds';
import { unlessGone } from '../judge.ts';
import { absent, difference } from '../steps/tagged.ts';
import { descriptionOf } from './attach-names.ts';
import type { AttachStep, AttachWorld } from './attach-world.ts';

/** One more secret that a proxy takes; told by its description. @param secretArn absent while it is taken away */
export function proxyAuthStep(
  { aws }: AttachWorld,
  functionName: string,
  proxyName: string,
  needs: readonly AttachStep<unknown>[],
  secretArn?: string,
): AttachStep<readonly UserAuthConfig[]> {
  const Description = descriptionOf(functionName);
  const isOurs = (auth: UserAuthConfig): boolean => auth.Description === Description;
  const write = async (Auth: UserAuthConfig[]): Promise<void> => {
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
      const have = (proxy.Auth ?? []).map(authOf);
      if (proxy.Status !== 'available') return { state: 'pending', have, why: String(proxy.Status) };
      if (secretArn === undefined) return have.some(isOurs) ? { state: 'ready', have } : absent;
      if (have.some(({ SecretArn }) => SecretArn === secretArn)) return { state: 'ready', have };
      return { state: 'drifted', have, differences: [difference('Auth', 'without', secretArn, true)] };
    },
    async create() {},
    async update(have) {
      if (secretArn === undefined) return;
      await write([
        ...have.filter((auth) => !isOurs(auth)),
        { Description, AuthScheme: 'SECRETS', SecretArn: secretArn, IAMAuth: 'DISABLED' },
      ]);
    },
    remove: (have) => write(have.filter((auth) => !isOurs(auth))),
  };
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
