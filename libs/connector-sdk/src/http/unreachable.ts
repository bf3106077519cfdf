import type { AuthFailed, Transient } from '../outcome.js';

/** Errors of a connection that never stood: nothing was sent. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What TLS says when the other end does not prove to be the target. */
const UNTRUSTED = /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_)/;

/** No reply: timed out, refused, reset, not trusted. What a write did is unknown, unless nothing can have been sent. */
export function unreachable(error: unknown, isWrite: boolean, isAborted: boolean): Transient | AuthFailed {
  const code = codeOf(error);
  const evidence = { cause: code };
  if (UNTRUSTED.test(code))
    return {
      kind: 'AuthFailed',
      code: 'vendor.untrusted',
      help: 'the certificate of the target is not trusted: check address and certificate',
      evidence,
    };
  const isTimeout = isAborted || /^(Timeout|Abort)Error$/.test(code);
  return {
    kind: 'Transient',
    code: isTimeout ? 'vendor.timeout' : 'vendor.unreachable',
    effectUnknown: isWrite && !NOT_SENT.has(code),
    evidence,
  };
}

/** The code of the cause, or the error's name; never a message, which may hold anything. */
function codeOf(error: unknown): string {
  const { cause, name } = membersOf(error);
  const { code } = membersOf(cause);
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'Error';
}

const membersOf = (value: unknown): { cause?: unknown; name?: unknown; code?: unknown } =>
  typeof value === 'object' && value !== null ? value : {};
