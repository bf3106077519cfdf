import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  SignJWT,
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  importPKCS8,
  type CryptoKey,
  type JWTPayload,
} from 'jose';

/** A real token service: signs JWTs and publishes its keys over HTTP. */
export type TokenIssuer = {
  issuer: string;
  jwksUrl: string;
  /** How often the keys were read. */
  reads(): number;
  sign(claims: JWTPayload, o?: { expiresIn?: string; kid?: string; alg?: string }): Promise<string>;
  /** The public key as a shared secret: what an attacker has who hopes for a confusion of algorithms. */
  signWithPublicKey(claims: JWTPayload): Promise<string>;
  /** Signed with a key that is not published, under the id of one that is. */
  signWithOtherKey(claims: JWTPayload): Promise<string>;
  /** What it answers from now on. */
  answer(status: number): void;
  /** Publishes a new key; the former one is gone. */
  changeKey(): Promise<void>;
  close(): Promise<void>;
};

type Key = { kid: string; pair: Awaited<ReturnType<typeof generateKeyPair>> };

export async function startTokenIssuer(): Promise<TokenIssuer> {
  let key = await newKey('k1');
  let reads = 0;
  let status = 200;
  const server = createServer((_request, reply) => {
    reads += 1;
    void exportJWK(key.pair.publicKey).then(jwk => {
      reply.writeHead(status, { 'content-type': 'application/json' });
      reply.end(JSON.stringify({ keys: [{ ...jwk, kid: key.kid, use: 'sig' }] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    issuer: `${base}/`,
    jwksUrl: `${base}/keys`,
    reads: () => reads,
    sign: async (claims, o = {}) =>
      jwt(claims, o.expiresIn)
        .setProtectedHeader({ alg: o.alg ?? 'RS256', kid: o.kid ?? key.kid })
        .sign(o.alg === undefined ? key.pair.privateKey : await otherwise(key.pair.privateKey, o.alg)),
    signWithPublicKey: async claims =>
      jwt(claims)
        .setProtectedHeader({ alg: 'HS256', kid: key.kid })
        .sign(new TextEncoder().encode(await exportSPKI(key.pair.publicKey))),
    signWithOtherKey: async claims =>
      jwt(claims)
        .setProtectedHeader({ alg: 'RS256', kid: key.kid })
        .sign((await newKey('other')).pair.privateKey),
    answer: next => {
      status = next;
    },
    changeKey: async () => {
      key = await newKey('k2');
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const jwt = (claims: JWTPayload, expiresIn = '5m'): SignJWT =>
  new SignJWT(claims).setIssuedAt().setExpirationTime(expiresIn);

/** The same key for another algorithm: Web Crypto keys are made for one. */
const otherwise = (key: CryptoKey, alg: string): Promise<CryptoKey | Uint8Array> =>
  exportPKCS8(key).then(pem => importPKCS8(pem, alg));

const newKey = async (kid: string): Promise<Key> => ({
  kid,
  pair: await generateKeyPair('RS256', { extractable: true }),
});
