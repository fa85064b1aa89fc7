import { type webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** PEM of a certificate and of its private key. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

const dayMs = 86_400_000;
const authorityDays = 3650;
/** Apple's limit for server certificates of a private authority is 825 days. */
const serverDays = 397;
const renewalDays = 30;

const loopbackHosts = ['localhost', '127.0.0.1', '::1'];

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** The project's own certificate authority, good for ten years. Its key must not leave the project. */
export async function createAuthority(): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=lambdapg local authority',
    ...validity(authorityDays),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** A server certificate for `hosts` (names; this computer's loopback names unless told), signed by `authority`. */
export async function createServerCertificate(
  authority: KeyPair,
  hosts: readonly string[] = loopbackHosts,
): Promise<KeyPair> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    // A common name may have 64 characters, and nobody reads it where there are alternative names.
    subject: `CN=${(hosts[0] ?? 'localhost').slice(0, 64)}`,
    issuer: issuer.subject,
    ...validity(serverDays),
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** True when the certificate (PEM) ends within 30 days, or is not yet valid. */
export function needsRenewal(certificate: string, now: Date = new Date()): boolean {
  const { validFrom, validTo } = new X509Certificate(certificate);
  return Date.parse(validTo) - now.getTime() < renewalDays * dayMs || Date.parse(validFrom) > now.getTime();
}

/** True when `certificate` (PEM) was signed by `authority` (PEM). */
export function isSignedBy(certificate: string, authority: string): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey);
}

/** Valid since yesterday, so that a clock set back a little does not break the server. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - dayMs), notAfter: new Date(now + days * dayMs) };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const { PemConverter } = await loadX509();
  return `${PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const { PemConverter } = await loadX509();
  return crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), algorithm, false, ['sign']);
}

/** Loaded only when a certificate is made. Its decorators need the polyfill first. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}
