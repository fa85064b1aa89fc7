import { randomBytes } from 'node:crypto';
import { Secret } from '../../../secret.ts';

/** A login and its password, as Secrets Manager keeps them. */
export interface Login {
  readonly username: string;
  readonly password: Secret;
}

/** 256 bits in an alphabet that URLs, RDS and every driver take as it is. */
export const newLogin = (username: string): Login => ({
  username,
  password: new Secret(randomBytes(32).toString('base64url')),
});

/** The form in which the connection runtimes and RDS Proxy read a login. */
export const secretText = ({ username, password }: Login): string =>
  JSON.stringify({ username, password: password.reveal(), engine: 'postgres' });
