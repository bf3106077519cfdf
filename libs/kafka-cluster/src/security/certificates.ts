import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { javaProgram } from '../cluster-settings.js';
import { KafkaClusterError } from '../kafka-cluster-error.js';

/** Key and trust store of the brokers, and what clients need to know them. */
export type Stores = { keyStore: string; trustStore: string; password: string; ca: string };

const CA_DAYS = 3_650;
const KEYS = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-storetype', 'PKCS12'];

/**
 * A certificate authority of this data folder and one certificate, for 127.0.0.1 only, that all its brokers present.
 * Made once with Java's keytool; the folder and its files are readable by the owner alone.
 * @throws KafkaClusterError `kafka.certificate-failed`
 */
export function ensureStores(dataDir: string, brokerName: string): Stores {
  const folder = path.join(path.resolve(dataDir), 'tls');
  if (!existsSync(folder)) make(folder, brokerName);
  return {
    keyStore: path.join(folder, 'broker.p12'),
    trustStore: path.join(folder, 'trust.p12'),
    password: readFileSync(path.join(folder, 'password'), 'utf8'),
    ca: readFileSync(path.join(folder, 'ca.pem'), 'utf8'),
  };
}

function make(folder: string, brokerName: string): void {
  const partial = `${folder}.new`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  const at = (name: string): string => path.join(partial, name);
  writeFileSync(at('password'), randomBytes(24).toString('base64url'), { mode: 0o600 });
  const keytool = (...args: string[]): void =>
    runKeytool([...args, '-storepass:file', at('password'), '-noprompt']);
  const authority = ['-keystore', at('authority.p12'), '-alias', 'ca'];
  const broker = ['-keystore', at('broker.p12')];
  keytool(
    '-genkeypair',
    ...authority,
    ...KEYS,
    '-dname',
    'CN=sever-local-ca',
    '-validity',
    String(CA_DAYS),
    '-ext',
    'bc:c',
  );
  keytool('-exportcert', ...authority, '-rfc', '-file', at('ca.pem'));
  keytool('-genkeypair', ...broker, '-alias', 'broker', ...KEYS, '-dname', `CN=${brokerName}`);
  keytool('-certreq', ...broker, '-alias', 'broker', '-file', at('broker.csr'));
  keytool(
    '-gencert',
    ...authority,
    '-infile',
    at('broker.csr'),
    '-outfile',
    at('broker.pem'),
    '-rfc',
    '-validity',
    String(CA_DAYS),
    '-ext',
    'san=ip:127.0.0.1',
    '-ext',
    'eku=serverAuth,clientAuth',
  );
  keytool('-importcert', ...broker, '-alias', 'ca', '-file', at('ca.pem'));
  keytool('-importcert', ...broker, '-alias', 'broker', '-file', at('broker.pem'));
  keytool(
    '-importcert',
    '-keystore',
    at('trust.p12'),
    '-storetype',
    'PKCS12',
    '-alias',
    'ca',
    '-file',
    at('ca.pem'),
  );
  // Nobody needs to sign anything again: the authority's key is worth more gone than kept.
  for (const name of ['authority.p12', 'broker.csr', 'broker.pem']) rmSync(at(name));
  for (const name of ['broker.p12', 'trust.p12', 'ca.pem']) chmodSync(at(name), 0o600);
  renameSync(partial, folder);
}

function runKeytool(args: readonly string[]): void {
  try {
    execFileSync(javaProgram('keytool'), args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  } catch (error) {
    throw new KafkaClusterError(
      'kafka.certificate-failed',
      `keytool ${args[0] ?? ''} failed, so the brokers have no certificate: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
