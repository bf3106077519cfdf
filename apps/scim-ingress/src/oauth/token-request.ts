import { FORM } from './form-body.js';
import { OAuthError } from './oauth-error.js';

export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
export const SCOPE = 'scim';

/** How a client says who it is. */
export type ClientProof =
  | { kind: 'secret'; clientId: string; secret: string; usedHeader: boolean }
  | { kind: 'assertion'; clientId: string | undefined; assertion: string };

/**
 * Reads a token request (RFC 6749 §4.4.2) with exactly one way of proving the client.
 * @throws OAuthError
 */
export function readTokenRequest(body: unknown, authorization: string | undefined): ClientProof {
  const form = formOf(body);
  const proof = proofOf(form, authorization);
  const grant = form.get('grant_type');
  if (grant === undefined) throw new OAuthError('invalid_request', 'grant_type is missing');
  if (grant !== 'client_credentials')
    throw new OAuthError('unsupported_grant_type', 'the only grant type is client_credentials');
  const scope = form.get('scope');
  if (scope !== undefined && scope.split(' ').some(word => word !== '' && word !== SCOPE))
    throw new OAuthError('invalid_scope', `the only scope is ${SCOPE}`);
  return proof;
}

/** Parameters of a form; RFC 6749 §3.2: none twice, and one without a value counts as left out. */
function formOf(body: unknown): Map<string, string> {
  if (typeof body !== 'string') throw new OAuthError('invalid_request', `the body must be ${FORM}`);
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) throw new OAuthError('invalid_request', 'a parameter was sent twice');
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === '') form.delete(name);
  return form;
}

function proofOf(form: ReadonlyMap<string, string>, authorization: string | undefined): ClientProof {
  const [secret, assertion, clientId] = ['client_secret', 'client_assertion', 'client_id'].map(name =>
    form.get(name),
  );
  const ways = [authorization, secret, assertion].filter(way => way !== undefined).length;
  if (ways > 1) throw new OAuthError('invalid_request', 'use one way to authenticate, not several');
  if (authorization !== undefined) return basicProof(authorization, clientId);
  if (assertion !== undefined) {
    if (form.get('client_assertion_type') !== JWT_BEARER)
      throw new OAuthError('invalid_request', `client_assertion_type must be ${JWT_BEARER}`);
    return { kind: 'assertion', clientId, assertion };
  }
  if (clientId === undefined || secret === undefined)
    throw new OAuthError('invalid_client', 'say which client you are and prove it');
  return { kind: 'secret', clientId, secret, usedHeader: false };
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
function basicProof(authorization: string, clientId: string | undefined): ClientProof {
  const encoded = /^Basic ([\w+/]{1,4096}={0,2})$/i.exec(authorization)?.[1];
  const [id, secret] = /^([^:]*):(.*)$/s
    .exec(Buffer.from(encoded ?? '', 'base64').toString('utf8'))
    ?.slice(1)
    .map(formDecoded) ?? ['', ''];
  if (!id || !secret) throw new OAuthError('invalid_client', 'the Authorization header cannot be read', true);
  if (clientId !== undefined && clientId !== id)
    throw new OAuthError('invalid_request', 'client_id differs from the Authorization header');
  return { kind: 'secret', clientId: id, secret, usedHeader: true };
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
