import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { startIngress, type RunningIngress } from './testing/running-ingress.js';

const SCIM_ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
const LONG = 'x'.repeat(49 * 1_024);

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(() => ingress?.close());

/** Sends bytes that no client library would send. */
async function raw(request: string): Promise<{ status: number; type: string | undefined; body: unknown }> {
  const { hostname, port } = new URL(ingress.baseUrl);
  const socket = connect(Number(port), hostname);
  socket.write(request);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    type: /^content-type: (.*)$/im.exec(head)?.[1]?.trim(),
    body: JSON.parse(body) as unknown,
  };
}

const UNREADABLE: [string, number, (path: string) => string][] = [
  ['a header that is none', 400, path => `GET ${path} HTTP/1.1\r\nhost: x\r\nno header\r\n\r\n`],
  ['headers that are too long', 431, path => `GET ${path} HTTP/1.1\r\nhost: x\r\nlong: ${LONG}\r\n\r\n`],
  ['an address that is too long', 431, path => `GET ${path}/${LONG} HTTP/1.1\r\nhost: x\r\n\r\n`],
];

describe.each(UNREADABLE)('%s', (_what, status, request) => {
  it('is a SCIM error at a SCIM address', async () => {
    expect(await raw(request('/scim/v2/entra/Users'))).toEqual({
      status,
      type: 'application/scim+json',
      body: expect.objectContaining({ schemas: [SCIM_ERROR], status: String(status) }) as object,
    });
  });

  it('is a problem elsewhere', async () => {
    expect(await raw(request('/v1/opt-outs'))).toMatchObject({ status, body: { status } });
  });
});

it('an address that cannot be known is answered as well', async () => {
  expect(await raw('nonsense\r\n\r\n')).toMatchObject({ status: 400, body: { status: 400 } });
});
