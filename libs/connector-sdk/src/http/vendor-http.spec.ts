import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createVendorHttp, failureOf, isReply, type VendorReply } from './vendor-http.js';

const SECRET = 'a-secret-of-the-target';

describe('a call to a vendor', () => {
  let server: Server;
  let answer: RequestListener;
  let seen: string[] = [];
  let baseUrl = '';

  beforeEach(async () => {
    seen = [];
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const call = async (
    method: 'GET' | 'DELETE',
    o: { authorization?: () => Promise<string>; base?: string; signal?: AbortSignal } = {},
  ): Promise<VendorReply | { kind: string }> =>
    createVendorHttp({
      baseUrl: o.base ?? baseUrl,
      accept: 'application/json',
      authorization: o.authorization ?? (() => Promise.resolve(`Bearer ${SECRET}`)),
      bodyBytesMax: 1_000,
    })(
      { method, path: '/Users/1' },
      { signal: o.signal ?? AbortSignal.timeout(5_000), traceparent: undefined },
    );

  it('follows no redirect', async () => {
    answer = (request, response) => {
      if (request.url === '/elsewhere') response.end('{}');
      else response.writeHead(302, { location: '/elsewhere' }).end();
    };
    const reply = await call('GET');
    expect(isReply(reply) && failureOf(reply, false)).toMatchObject({
      kind: 'AuthFailed',
      code: 'vendor.redirected',
    });
    expect(seen).toEqual(['GET /Users/1']);
  });

  it('takes a web page with a success status for a wrong door, not for an answer', async () => {
    answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<form>password</form>');
    const reply = await call('GET');
    expect(isReply(reply) && failureOf(reply, false)).toMatchObject({
      kind: 'AuthFailed',
      code: 'vendor.web-page',
    });
  });

  it('stops reading a body that has no end', async () => {
    let isOpen = true;
    answer = (_request, response) => {
      response.on('close', () => (isOpen = false));
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        if (isOpen) response.write('x'.repeat(400), () => setImmediate(more));
      };
      more();
    };
    expect(await call('GET')).toMatchObject({ kind: 'Malformed', code: 'reply.too-large' });
  });

  it('tells an unreadable credential from an unreachable target, and sends nothing', async () => {
    const unreadable = (): Promise<string> => Promise.reject(new Error(`no such file ${SECRET}`));
    expect(await call('DELETE', { authorization: unreadable })).toEqual(
      expect.objectContaining({ kind: 'AuthFailed', code: 'credentials.unreadable', evidence: {} }),
    );
    const unusable = (): Promise<string> => Promise.resolve(`Bearer ${SECRET}\nX-More: yes`);
    const refused = await call('DELETE', { authorization: unusable });
    expect(refused).toMatchObject({ kind: 'AuthFailed', code: 'credentials.unusable' });
    expect(JSON.stringify(refused)).not.toContain(SECRET);
    expect(seen).toEqual([]);
  });

  it('knows that a refused connection changed nothing, and that a reset one may have', async () => {
    answer = (request, _response) => request.socket.destroy();
    expect(await call('DELETE')).toMatchObject({ kind: 'Transient', effectUnknown: true });
    expect(await call('GET')).toMatchObject({ kind: 'Transient', effectUnknown: false });
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const base = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    closed.close();
    await once(closed, 'close');
    expect(await call('DELETE', { base })).toMatchObject({ kind: 'Transient', effectUnknown: false });
  });

  it('ends with its signal, whatever the reason', async () => {
    answer = () => undefined;
    const ends = new AbortController();
    setTimeout(() => ends.abort(new Error('the process drains')), 50);
    expect(await call('DELETE', { signal: ends.signal })).toMatchObject({
      kind: 'Transient',
      code: 'vendor.timeout',
      effectUnknown: true,
    });
  });
});
