import { EventLogError } from '@sever/event-log';

export type ClientCredentials = {
  /** Token endpoint of the authorisation server. */
  url: string;
  clientId: string;
  secret: string;
  scope?: string | undefined;
};

const TIMEOUT_MS = 10_000;

/**
 * Tokens by OAuth 2.0 client credentials (RFC 6749 §4.4), a new one whenever the client of Kafka asks: it does for every connection
 * and when the brokers want it again.
 * @returns a function that rejects with `log.unauthenticated` (the server refuses) or `log.unavailable`; the secret is in neither
 */
export function clientCredentials(o: ClientCredentials): () => Promise<{ value: string }> {
  return async () => {
    const response = await ask(o);
    const body = (await response.json().catch(() => undefined)) as { access_token?: unknown } | undefined;
    if (response.ok && typeof body?.access_token === 'string') return { value: body.access_token };
    throw new EventLogError(
      response.status >= 500 ? 'log.unavailable' : 'log.unauthenticated',
      `the token server answered ${response.status} without a token: check KAFKA_OAUTH_TOKEN_URL, KAFKA_USERNAME, ` +
        'KAFKA_PASSWORD and KAFKA_OAUTH_SCOPE',
    );
  };
}

async function ask(o: ClientCredentials): Promise<Response> {
  // Each part is form-encoded before it is put together: RFC 6749 §2.3.1.
  const who = [o.clientId, o.secret]
    .map(part => new URLSearchParams({ '': part }).toString().slice(1))
    .join(':');
  try {
    return await fetch(o.url, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(who).toString('base64')}`, Accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...(o.scope !== undefined && { scope: o.scope }),
      }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new EventLogError('log.unavailable', 'the token server of KAFKA_OAUTH_TOKEN_URL does not answer', {
      cause: error,
    });
  }
}
