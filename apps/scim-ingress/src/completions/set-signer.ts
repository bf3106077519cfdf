import { Injectable } from '@nestjs/common';
import { addSigningKey, signingKeys, type SigningKey } from '@sever/directory';
import {
  SignJWT,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importPKCS8,
  exportPKCS8,
  type CryptoKey,
  type JWK,
} from 'jose';
import { IngressContext } from '../ingress-context.js';

const ALGORITHM = 'ES256';
/** A key signs for so long, and is published for as long again. In days. */
const SIGNS_DAYS = 90;
const PUBLISHED_DAYS = 2 * SIGNS_DAYS;
const DAY_MS = 86_400_000;

/** Signs Security Event Tokens (RFC 8417) with keys that it makes and changes itself. */
@Injectable()
export class SetSigner {
  private current: { until: number; kid: string; key: Promise<CryptoKey> } | undefined;

  constructor(private readonly context: IngressContext) {}

  async sign(claims: Record<string, unknown>): Promise<string> {
    const { kid, key } = await this.signingKey();
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: 'secevent+jwt', kid })
      .sign(await key);
  }

  /** What verifiers need (RFC 7517): the key that signs, and those that did until some time ago. */
  async publicKeys(): Promise<{ keys: JWK[] }> {
    await this.signingKey();
    const found = await signingKeys(this.context.dataSource, PUBLISHED_DAYS);
    return { keys: found.map(({ publicJwk }) => publicJwk as JWK) };
  }

  private async signingKey(): Promise<{ kid: string; key: Promise<CryptoKey> }> {
    if (this.current && this.current.until > Date.now()) return this.current;
    const stored = await this.newest();
    const key = this.opened(stored);
    this.current = { kid: stored.kid, until: stored.createdAt.getTime() + SIGNS_DAYS * DAY_MS, key };
    return this.current;
  }

  private async newest(): Promise<SigningKey> {
    const [known] = await signingKeys(this.context.dataSource, SIGNS_DAYS);
    if (known) return known;
    await this.make();
    const [made] = await signingKeys(this.context.dataSource, SIGNS_DAYS);
    if (!made) throw new Error('a signing key was made and is not there; look at the table signing_key');
    return made;
  }

  /** Two processes may each make one: the newest signs, both are published. */
  private async make(): Promise<void> {
    const pair = await generateKeyPair(ALGORITHM, { extractable: true });
    const jwk = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    const { kekId, wrapped } = this.context.keyEncryption.wrap(
      Buffer.from(await exportPKCS8(pair.privateKey), 'utf8'),
      contextOf(kid),
    );
    const publicJwk = { ...jwk, kid, alg: ALGORITHM, use: 'sig' };
    await addSigningKey(this.context.dataSource, { kid, publicJwk, wrappedPrivate: wrapped, kekId });
  }

  private opened({ kid, kekId, wrappedPrivate }: SigningKey): Promise<CryptoKey> {
    const pem = this.context.keyEncryption.unwrap(wrappedPrivate, kekId, contextOf(kid));
    return importPKCS8(pem.toString('utf8'), ALGORITHM);
  }
}

const contextOf = (kid: string): string => `signing-key:${kid}`;
