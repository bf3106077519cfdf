import { SIGNATURE_ALGORITHMS } from './signature-algorithms.js';
import { SCOPE } from './token-request.js';

export const tokenEndpointOf = (publicUrl: string): string => `${publicUrl}/oauth2/token`;

/** What RFC 8414 clients read to find out how to get a token. */
export const oauthMetadata = (publicUrl: string): object => ({
  issuer: publicUrl,
  token_endpoint: tokenEndpointOf(publicUrl),
  grant_types_supported: ['client_credentials'],
  response_types_supported: [],
  scopes_supported: [SCOPE],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: [...SIGNATURE_ALGORITHMS],
});
