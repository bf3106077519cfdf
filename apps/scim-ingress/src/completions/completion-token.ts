import type { Completion } from '@sever/directory';
import { ScimError, errorBody } from '@sever/scim';

/** The event of a request that is done (RFC 9967 §2.5.1.3). */
const ASYNC_RESPONSE = 'urn:ietf:params:scim:event:misc:asyncresp';

const overtaken = (): ScimError =>
  new ScimError(
    409,
    'what was asked for did not happen: an operator or another connection decided otherwise; read the resource',
    undefined,
    'request.overtaken',
  );

/**
 * Claims of the Security Event Token (RFC 8417) that tells how a request ended; the event is one operation of a Bulk answer (RFC 7644 §3.7.3).
 * It names the resource by its address and holds nothing of it. `sub` is left out as the RFC wants it.
 * Made again it is the same, since it counts as issued when the request was done.
 * @param base address of the connection
 */
export function completionClaims(c: Completion, issuer: string, base: string): Record<string, unknown> {
  const at = Math.floor(c.completedAt.getTime() / 1_000);
  const error = c.isReached ? undefined : overtaken();
  return {
    ...{ iss: issuer, aud: [base], jti: c.jti, txn: c.txn },
    iat: at,
    toe: at,
    sub_id: { format: 'scim', uri: c.uri },
    events: {
      [ASYNC_RESPONSE]: {
        method: c.method,
        ...(c.version !== null && { version: c.version }),
        status: error ? String(error.status) : c.status,
        ...(error && { response: errorBody(error) }),
      },
    },
  };
}
