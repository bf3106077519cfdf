import { HttpFaultGate, type GateReply, type GateRequest } from '@sever/connector-sdk/testing';

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** A reply as SCIM services write it. */
export const scimReply = (status: number, body: object): GateReply => ({
  status,
  headers: { 'content-type': 'application/scim+json' },
  body: JSON.stringify(body),
});

export const scimError = (status: number, detail = 'made up by a test'): GateReply =>
  scimReply(status, { schemas: [ERROR], status: String(status), detail });

export const scimList = (resources: readonly object[], totalResults = resources.length): GateReply =>
  scimReply(200, {
    schemas: [LIST],
    totalResults,
    startIndex: 1,
    itemsPerPage: resources.length,
    Resources: resources,
  });

function withLargerTotal(reply: GateReply): GateReply | undefined {
  if (!reply.body.includes('"totalResults"')) return undefined;
  const list = JSON.parse(reply.body) as { totalResults: number };
  return { ...reply, body: JSON.stringify({ ...list, totalResults: list.totalResults + 1 }) };
}

function withoutFilter(request: GateRequest): GateRequest | undefined {
  const url = new URL(request.path, 'http://gate');
  if (!url.searchParams.has('filter')) return undefined;
  url.searchParams.delete('filter');
  return { ...request, path: url.pathname + url.search };
}

/** The gate in front of a SCIM service. */
export const openScimGate = (target: string): Promise<HttpFaultGate> =>
  HttpFaultGate.open({ target, errorReply: scimError, withLargerTotal, withoutFilter });
