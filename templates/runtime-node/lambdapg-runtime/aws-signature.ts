// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { createHash, createHmac } from 'node:crypto';

export type Environment = Readonly<Record<string, string | undefined>>;
type Texts = Readonly<Record<string, string>>;

/**
 * Signature Version 4 with the function's own credentials, for one request at one moment. The steps are those of
 * "Create a signed AWS API request" in the IAM User Guide. Node's own crypto: Web Crypto takes far longer to load.
 */
export class Signer {
  readonly #env: Environment;
  readonly #region: string;
  readonly #service: string;
  readonly #date = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');
  readonly #scope: string;

  constructor(env: Environment, service: string, region: string) {
    this.#env = env;
    this.#region = region;
    this.#service = service;
    this.#scope = `${this.#date.slice(0, 8)}/${region}/${service}/aws4_request`;
  }

  /** The headers to send to `/`. `headers` has lower-case names, `host` among them. */
  signPost(headers: Texts, body: string): Record<string, string> {
    const token = this.#env.AWS_SESSION_TOKEN;
    const signed = { ...headers, 'x-amz-date': this.#date, ...(token && { 'x-amz-security-token': token }) };
    const credential = `Credential=${this.#env.AWS_ACCESS_KEY_ID}/${this.#scope}`;
    const signature = this.#sign('POST', '', signed, body);
    const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${namesOf(signed)}, Signature=${signature}`;
    return { ...signed, authorization };
  }

  /** The whole query of a signed GET of `/`. */
  presignGet(host: string, query: Texts): string {
    const token = this.#env.AWS_SESSION_TOKEN;
    const parameters: Texts = {
      ...query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${this.#env.AWS_ACCESS_KEY_ID}/${this.#scope}`,
      'X-Amz-Date': this.#date,
      'X-Amz-SignedHeaders': 'host',
      ...(token && { 'X-Amz-Security-Token': token }),
    };
    const text = sorted(parameters)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .join('&');
    return `${text}&X-Amz-Signature=${this.#sign('GET', text, { host }, '')}`;
  }

  #sign(method: string, query: string, headers: Texts, body: string): string {
    const lines = sorted(headers).map(([name, value]) => `${name}:${value.trim()}`);
    const request = [method, '/', query, ...lines, '', namesOf(headers), sha256(body)].join('\n');
    const parts = [this.#date.slice(0, 8), this.#region, this.#service, 'aws4_request'];
    const start: string | Buffer = `AWS4${this.#env.AWS_SECRET_ACCESS_KEY}`;
    const key = parts.reduce((last: string | Buffer, part) => hmac(last, part), start);
    const text = `AWS4-HMAC-SHA256\n${this.#date}\n${this.#scope}\n${sha256(request)}`;
    return hmac(key, text).toString('hex');
  }
}

const sorted = (texts: Texts): [string, string][] =>
  Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1));
const namesOf = (headers: Texts): string => Object.keys(headers).sort().join(';');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** All but RFC 3986's unreserved characters. */
function encode(text: string): string {
  const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, percent);
}
