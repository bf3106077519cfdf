import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rows } from '@sever/postgres';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';
import { JWT_BEARER } from './token-request.js';

const HTTP = { [oauth.allowInsecureRequests]: true } as const;

describe('the token endpoint', () => {
  let ingress: RunningIngress;
  let clientId: string;
  let clientSecret: string;
  beforeAll(async () => {
    ingress = await startIngress();
    const made = await ingress.operate('POST', '', {
      tenant: 'acme',
      dialect: 'strict',
      id: 'idp',
      oauth: true,
    });
    expect([made.status, made.json.token]).toEqual([201, null]);
    ({ clientId, clientSecret } = made.json.oauth as { clientId: string; clientSecret: string });
  });
  afterAll(() => ingress?.close());

  const form = (fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> =>
    ingress.ask('POST', '/oauth2/token', {
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  const grant = { grant_type: 'client_credentials' };
  const basic = (id: string, secret: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  });
  const users = (token: string, connection = 'idp'): Promise<Answer> =>
    ingress.ask('GET', `/scim/v2/${connection}/Users`, { token });

  describe('with a client library', () => {
    const server = async (): Promise<oauth.AuthorizationServer> => {
      const issuer = new URL(ingress.baseUrl);
      const reply = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...HTTP });
      return oauth.processDiscoveryResponse(issuer, reply);
    };
    const tokenBy = async (auth: oauth.ClientAuth, client: oauth.Client) => {
      const as = await server();
      const reply = await oauth.clientCredentialsGrantRequest(
        as,
        client,
        auth,
        new URLSearchParams({ scope: 'scim' }),
        HTTP,
      );
      return oauth.processClientCredentialsResponse(as, client, reply);
    };

    it.each([
      ['client_secret_basic', () => oauth.ClientSecretBasic(clientSecret)],
      ['client_secret_post', () => oauth.ClientSecretPost(clientSecret)],
    ])('gives a token for %s that opens the connection', async (_name, auth) => {
      const answer = await tokenBy(auth(), { client_id: clientId });
      expect(answer).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'scim' });
      expect((await users(answer.access_token)).status).toBe(200);
    });

    it('gives a token for private_key_jwt, once per assertion', async () => {
      const pair = await generateKeyPair('ES256', { extractable: true });
      const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'mine' };
      const made = await ingress.operate('POST', '/idp/clients', { jwks: { keys: [jwk] } });
      expect([made.status, made.json.clientSecret]).toEqual([201, null]);
      const client = { client_id: String(made.json.clientId) };
      const answer = await tokenBy(oauth.PrivateKeyJwt({ key: pair.privateKey, kid: 'mine' }), client);
      expect((await users(answer.access_token)).status).toBe(200);
    });
  });

  describe('private_key_jwt', () => {
    let pair: Awaited<ReturnType<typeof generateKeyPair>>;
    let id: string;
    beforeAll(async () => {
      pair = await generateKeyPair('RS256', { extractable: true });
      const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k' };
      id = String((await ingress.operate('POST', '/idp/clients', { jwks: { keys: [jwk] } })).json.clientId);
    });

    type Over = { iss?: string; sub?: string; aud?: string; exp?: string; jti?: string | null };
    const assertion = (over: Over = {}): Promise<string> => {
      const jwt = new SignJWT(over.jti === null ? {} : { jti: over.jti ?? randomUUID() })
        .setIssuer(over.iss ?? id)
        .setSubject(over.sub ?? over.iss ?? id)
        .setAudience(over.aud ?? `${ingress.baseUrl}/oauth2/token`)
        .setExpirationTime(over.exp ?? '1m');
      return jwt.setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(pair.privateKey);
    };
    const prove = (client_assertion: string, more = {}) =>
      form({ ...grant, client_assertion_type: JWT_BEARER, client_assertion, ...more });

    it('takes an assertion once', async () => {
      const once = await assertion();
      expect((await prove(once, { client_id: id })).status).toBe(200);
      expect((await prove(once)).json).toMatchObject({ error: 'invalid_client' });
    });

    it.each<[string, Over]>([
      ['another audience', { aud: 'https://elsewhere.example/token' }],
      ['an expired one', { exp: '-5m' }],
      ['a long life', { exp: '2h' }],
      ['no id', { jti: null }],
      ['another client', { iss: 'idp.other' }],
      ['a subject that is not the issuer', { sub: 'somebody' }],
    ])('refuses %s', async (_name, over) => {
      const answer = await prove(await assertion(over));
      expect([answer.status, answer.json.error]).toEqual([401, 'invalid_client']);
    });
  });

  const REFUSED: [string, number, string, () => Promise<Answer>][] = [
    [
      'a wrong secret',
      401,
      'invalid_client',
      () => form({ ...grant, client_id: clientId, client_secret: 'x' }),
    ],
    [
      'an unknown client',
      401,
      'invalid_client',
      () => form({ ...grant, client_id: 'idp.no', client_secret: 'x' }),
    ],
    ['no client', 401, 'invalid_client', () => form(grant)],
    ['a wrong secret in the header', 401, 'invalid_client', () => form(grant, basic(clientId, 'x'))],
    ['an unreadable header', 401, 'invalid_client', () => form(grant, { authorization: 'Basic %%%' })],
    ['no grant type', 400, 'invalid_request', () => form({}, basic(clientId, clientSecret))],
    [
      'another grant type',
      400,
      'unsupported_grant_type',
      () => form({ grant_type: 'password' }, basic(clientId, clientSecret)),
    ],
    [
      'another scope',
      400,
      'invalid_scope',
      () => form({ ...grant, scope: 'scim admin' }, basic(clientId, clientSecret)),
    ],
    [
      'two ways at once',
      400,
      'invalid_request',
      () => form({ ...grant, client_secret: clientSecret }, basic(clientId, clientSecret)),
    ],
    [
      'a parameter twice',
      400,
      'invalid_request',
      () =>
        ingress.ask('POST', '/oauth2/token', {
          body: 'grant_type=client_credentials&grant_type=client_credentials',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }),
    ],
  ];
  it.each(REFUSED)('answers %s with %i %s', async (_name, status, error, send) => {
    const answer = await send();
    expect([answer.status, answer.json.error]).toEqual([status, error]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.text).not.toContain(clientSecret);
  });

  it('says to who sends JSON what to send instead', async () => {
    const body = { ...grant, client_id: clientId, client_secret: clientSecret };
    const answer = await ingress.ask('POST', '/oauth2/token', { body });
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request']);
    expect(answer.json.error_description).toContain('application/x-www-form-urlencoded');
    expect(
      (await form(body, { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=utf-8' })).status,
    ).toBe(200);
  });

  it('answers in the header to who used the header', async () => {
    expect((await form(grant, basic(clientId, 'x'))).headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(
      (await form({ ...grant, client_id: 'a', client_secret: 'b' })).headers.get('www-authenticate'),
    ).toBeNull();
  });

  it('makes no difference between an unknown client and a wrong secret', async () => {
    const unknown = () => form({ ...grant, client_id: 'idp.no', client_secret: 'x' });
    const wrong = () => form({ ...grant, client_id: clientId, client_secret: 'x' });
    expect((await unknown()).text).toBe((await wrong()).text);
    expect(await ingress.statementsOf(unknown)).toEqual(await ingress.statementsOf(wrong));
  });

  it('says that a token is not to be stored, and keeps only its hash', async () => {
    const answer = await form(grant, basic(clientId, clientSecret));
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const token = String(answer.json.access_token);
    for (const table of ['connection_token', 'oauth_client'])
      for (const row of await rows(ingress.db.owner, `select t::text as row from ${table} t`))
        for (const secret of [token, clientSecret]) expect(JSON.stringify(row)).not.toContain(secret);
  });

  it('gives tokens that open no other connection', async () => {
    await ingress.connect('other');
    const { json } = await form(grant, basic(clientId, clientSecret));
    expect((await users(String(json.access_token), 'other')).status).toBe(401);
  });

  it('gives none to a client that has ended, whose tokens end with it', async () => {
    const made = await ingress.operate('POST', '/idp/clients', {});
    const { clientId: id, clientSecret: secret } = made.json as { clientId: string; clientSecret: string };
    const { json } = await form(grant, basic(id, secret));
    expect(typeof json.access_token).toBe('string');
    expect((await ingress.operate('DELETE', `/idp/clients/${id}`)).status).toBe(204);
    expect((await form(grant, basic(id, secret))).json.error).toBe('invalid_client');
    expect((await users(String(json.access_token))).status).toBe(401);
  });

  it('tells a client that asks for one token after another to wait', async () => {
    const made = await ingress.operate('POST', '/idp/clients', {});
    const { clientId: id, clientSecret: secret } = made.json as { clientId: string; clientSecret: string };
    const answers = await Promise.all(Array.from({ length: 60 }, () => form(grant, basic(id, secret))));
    const refused = answers.filter(a => a.status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('takes forms nowhere else', async () => {
    const answer = await ingress.ask('POST', '/v1/connections', {
      token: ingress.apiToken,
      body: 'a=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(answer.status).toBe(415);
  });
});
