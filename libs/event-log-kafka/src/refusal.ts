import { EventLogError } from '@sever/event-log';

/** What Node says about a certificate that it does not trust. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME)|self-signed certificate|unable to (verify|get)|altnames|certificate has expired/;
/** What a broker says about a client that brings no certificate, or one it does not know. */
const NO_CERTIFICATE =
  /certificate required|alert (bad|unknown|unsupported) ?(certificate|ca)|alert number (42|43|46|48|116)/;

/** The error for a call that was refused for what the settings say; undefined for anything else. */
export function refusal(what: string, error: unknown): EventLogError | undefined {
  const chain = causes(error);
  const own = chain.find(e => e instanceof EventLogError);
  if (own instanceof EventLogError) return own;
  if (chain.some(isSaslRefusal))
    return refused('log.unauthenticated', `${what}: the brokers do not accept the user`, error, [
      'KAFKA_USERNAME',
      'KAFKA_PASSWORD',
      'KAFKA_SASL_MECHANISM',
    ]);
  const texts = chain.map(e =>
    'code' in e && typeof e.code === 'string' ? `${e.code} ${e.message}` : e.message,
  );
  if (texts.some(t => NO_CERTIFICATE.test(t)))
    return refused('log.unauthenticated', `${what}: the brokers want a certificate that they trust`, error, [
      'KAFKA_CERT_FILE',
      'KAFKA_KEY_FILE',
    ]);
  if (texts.some(t => UNTRUSTED.test(t)))
    return refused('log.untrusted', `${what}: the certificate of the brokers is not trusted`, error, [
      'KAFKA_CA_FILE',
      'KAFKA_BROKERS',
    ]);
  return undefined;
}

const refused = (
  code: 'log.unauthenticated' | 'log.untrusted',
  what: string,
  error: unknown,
  check: readonly string[],
): EventLogError => {
  const said = error instanceof Error ? error.message : String(error);
  return new EventLogError(code, `${what} (${said}): check ${check.join(', ')}`, { cause: error });
};

/** Wrong credentials, or a mechanism that the brokers do not offer: the client tells the two in different ways. */
const isSaslRefusal = (error: Error): boolean =>
  error.name === 'KafkaJSSASLAuthenticationError' ||
  ('type' in error && error.type === 'UNSUPPORTED_SASL_MECHANISM') ||
  /not support the requested SASL mechanism/.test(error.message);

/** An error and what caused it, outermost first. */
function causes(error: unknown): Error[] {
  const found: Error[] = [];
  for (let next = error; next instanceof Error && !found.includes(next); next = next.cause) found.push(next);
  return found;
}
