import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { randomBytes, webcrypto } from 'node:crypto';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const LIFETIME_MS = 10 * 365 * 86_400_000;
/** Serial numbers are positive and random: 16 bytes whose first bit is off. */
const serialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
};

/** PEM texts: what clients trust, and what the brokers present (private key first, then its certificate). */
export type BrokerCertificates = { ca: string; broker: string };

/**
 * A certificate authority of this installation and one certificate for all its brokers. The authority's key is thrown away:
 * nobody needs to sign anything again.
 * @param commonName the one name that brokers present to each other
 * @param hosts names under which clients reach the brokers
 */
export async function makeBrokerCertificates(
  commonName: string,
  hosts: readonly string[],
): Promise<BrokerCertificates> {
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(notBefore.getTime() + LIFETIME_MS);
  const validity = { notBefore, notAfter, signingAlgorithm: ALGORITHM };
  const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const [authority, broker] = [await newKeys(), await newKeys()];
  const issuer = 'CN=sever-kafka-ca';
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: serialNumber(),
    name: issuer,
    keys: authority,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    serialNumber: serialNumber(),
    subject: `CN=${commonName}`,
    issuer,
    publicKey: broker.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      // RFC 5280 §4.2.1.1: by its name alone an authority would be taken for that of another installation.
      await AuthorityKeyIdentifierExtension.create(authority.publicKey),
      await SubjectKeyIdentifierExtension.create(broker.publicKey),
      new SubjectAlternativeNameExtension(hosts.map(value => ({ type: 'dns', value }))),
    ],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', broker.privateKey);
  return { ca: `${ca.toString('pem')}\n`, broker: `${pkcs8(key)}${certificate.toString('pem')}\n` };
}

function pkcs8(key: ArrayBuffer): string {
  const lines =
    Buffer.from(key)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}
