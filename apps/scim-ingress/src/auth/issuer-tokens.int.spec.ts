import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JWTPayload } from 'jose';
import { startIngress, type RunningIngress } from '../testing/running-ingress.js';
import { startTokenIssuer, type TokenIssuer } from '../testing/token-issuer.js';

const AUDIENCE = '8adf8e6e-67b2-4cf2-a259-e3dc5476c621';
const TID = '11111111-2222-3333-4444-555555555555';
const APPID = '00000014-0000-0000-c000-000000000000';

describe('a JWT of an issuer that a connection trusts', () => {
  let ingress: RunningIngress;
  let idp: TokenIssuer;
  beforeAll(async () => {
    [ingress, idp] = await Promise.all([startIngress(), startTokenIssuer()]);
    await ingress.connect('entra');
    await ingress.connect('bystander');
    const trusted = await ingress.operate('PUT', '/entra/issuers', {
      issuer: idp.issuer,
      audiences: [AUDIENCE],
      claims: { tid: TID, appid: APPID },
      jwksUrl: idp.jwksUrl,
    });
    expect(trusted.status).toBe(200);
  });
  afterAll(async () => {
    await ingress?.close();
    await idp?.close();
  });

  const claims = (over: JWTPayload = {}): JWTPayload => ({
    iss: idp.issuer,
    aud: AUDIENCE,
    tid: TID,
    appid: APPID,
    ...over,
  });
  const open = (token: string, connection = 'entra') =>
    ingress.ask('GET', `/scim/v2/${connection}/Users?count=1`, { token });

  it('opens it, and the keys are read once', async () => {
    expect((await open(await idp.sign(claims()))).status).toBe(200);
    expect((await open(await idp.sign(claims({ aud: ['other', AUDIENCE] })))).status).toBe(200);
    expect(idp.reads()).toBe(1);
  });

  const unsigned = (payload: JWTPayload): string =>
    [
      { alg: 'none', typ: 'JWT' },
      { ...payload, exp: Math.floor(Date.now() / 1_000) + 300 },
    ]
      .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.') + '.';

  const WRONG: [string, () => Promise<string> | string][] = [
    ['no signature (alg none)', () => unsigned(claims())],
    ['HS256 with the public key as secret', () => idp.signWithPublicKey(claims())],
    ['a key that is not the issuer’s', () => idp.signWithOtherKey(claims())],
    ['an algorithm that is not the pinned one', () => idp.sign(claims(), { alg: 'PS256' })],
    ['an unknown key id', () => idp.sign(claims(), { kid: 'nobody' })],
    ['an expired one', () => idp.sign(claims(), { expiresIn: '-5m' })],
    ['another audience', () => idp.sign(claims({ aud: 'somebody-else' }))],
    ['another issuer', () => idp.sign(claims({ iss: 'https://sts.example/other/' }))],
    ['another tenant (tid)', () => idp.sign(claims({ tid: '99999999-2222-3333-4444-555555555555' }))],
    ['another application (appid)', () => idp.sign(claims({ appid: 'mine' }))],
    ['no tid', () => idp.sign({ iss: idp.issuer, aud: AUDIENCE, appid: APPID })],
    ['a tid that is a list', () => idp.sign(claims({ tid: [TID] }))],
    ['not yet valid', () => idp.sign(claims({ nbf: Math.floor(Date.now() / 1_000) + 600 }))],
    ['no JWT at all', () => 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA'],
  ];

  it.each(WRONG)('is refused with %s, in the words for any wrong token', async (_name, make) => {
    const answer = await open(await make());
    const unknown = await open('sev_entra_unknown');
    expect([answer.status, answer.text]).toEqual([401, unknown.text]);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="sever"');
  });

  it('does not open a connection that does not trust the issuer', async () => {
    const answer = await open(await idp.sign(claims()), 'bystander');
    expect(answer.status).toBe(401);
  });

  it('is compared with the pinned claims before any key is read', async () => {
    await ingress.connect('pinned');
    const other = await startTokenIssuer();
    await ingress.operate('PUT', '/pinned/issuers', {
      issuer: other.issuer,
      audiences: [AUDIENCE],
      claims: { sub: 'idp' },
      jwksUrl: other.jwksUrl,
    });
    const token = await other.sign({ iss: other.issuer, aud: AUDIENCE, sub: 'else' });
    expect([(await open(token, 'pinned')).status, other.reads()]).toEqual([401, 0]);
    await other.close();
  });

  it('is never called wrong because the keys cannot be read', async () => {
    await ingress.connect('patient');
    const other = await startTokenIssuer();
    other.answer(500);
    await ingress.operate('PUT', '/patient/issuers', {
      issuer: other.issuer,
      audiences: [AUDIENCE],
      claims: { sub: 'idp' },
      jwksUrl: other.jwksUrl,
    });
    const token = await other.sign({ iss: other.issuer, aud: AUDIENCE, sub: 'idp' });
    const answer = await open(token, 'patient');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    await open(token, 'patient');
    expect(other.reads()).toBe(1);
    await other.close();
  });

  it('opens nothing after the trust was taken back', async () => {
    await ingress.connect('short');
    const body = { issuer: idp.issuer, audiences: ['x'], claims: { tid: TID }, jwksUrl: idp.jwksUrl };
    await ingress.operate('PUT', '/short/issuers', body);
    expect((await open(await idp.sign(claims({ aud: 'x' })), 'short')).status).toBe(200);
    const gone = await ingress.operate('DELETE', `/short/issuers?issuer=${encodeURIComponent(idp.issuer)}`);
    expect(gone.status).toBe(204);
    expect((await open(await idp.sign(claims({ aud: 'x', jti: 'a new one' })), 'short')).status).toBe(401);
  });

  const BODY = { issuer: 'https://i.example/', audiences: ['a'], claims: { sub: 's' } };
  it.each([
    ['no pinned claim', { ...BODY, claims: {}, jwksUrl: 'https://i.example/keys' }],
    ['a symmetric algorithm', { ...BODY, algorithms: ['HS256'], jwksUrl: 'https://i.example/keys' }],
    ['keys over plain HTTP', { ...BODY, jwksUrl: 'http://i.example/keys' }],
    ['a private key', { ...BODY, jwks: { keys: [{ kty: 'RSA', n: 'n', e: 'AQAB', d: 'secret' }] } }],
    ['no keys', BODY],
    ['no audience', { ...BODY, audiences: [], jwksUrl: 'https://i.example/keys' }],
  ])('cannot be trusted with %s', async (_name, body) => {
    const answer = await ingress.operate('PUT', '/entra/issuers', body);
    expect([answer.status, answer.json.code]).toEqual([400, 'request.invalid']);
  });

  it('follows the issuer to a new key', async () => {
    await ingress.connect('rolling');
    const other = await startTokenIssuer();
    const trust = { issuer: other.issuer, audiences: [AUDIENCE], claims: { sub: 'idp' } };
    await ingress.operate('PUT', '/rolling/issuers', { ...trust, jwksUrl: other.jwksUrl });
    await other.changeKey();
    const token = await other.sign({ iss: other.issuer, aud: AUDIENCE, sub: 'idp' });
    expect((await open(token, 'rolling')).status).toBe(200);
    await other.close();
  });
});
