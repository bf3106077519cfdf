import type { Answer, RunningIngress } from './running-ingress.js';

/** Sends a request of one connection; the path is below the connection's address. */
export type ScimCaller = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** Requests of a connection with its token. */
export const scimCaller =
  (ingress: RunningIngress, connection: string, token: string): ScimCaller =>
  (method, path, body, headers = {}) =>
    ingress.ask(method, `/scim/v2/${connection}${path}`, {
      token,
      headers,
      ...(body !== undefined && { body }),
    });
