import type { FastifyInstance } from 'fastify';

type Route = { address: RegExp; method: string };

/** Which methods an address takes (RFC 9110 §10.2.1), learnt from the routes themselves. */
export class RoutedMethods {
  private readonly routes: Route[] = [];

  /** Learns every route that is registered from now on. */
  learn(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method }) => {
      const address = addressOf(url);
      for (const one of [method].flat()) this.routes.push({ address, method: one });
    });
  }

  /** @param url as it was requested; no method at all when there is nothing at this address */
  at(url: string): string[] {
    const path = url.replace(/[?#].*$/s, '');
    const found = this.routes.filter(({ address }) => address.test(path)).map(({ method }) => method);
    return [...new Set(found)].sort();
  }
}

/** As the router reads it: parameters are one segment, case and a slash at the end do not count. */
function addressOf(url: string): RegExp {
  const segments = url
    .split('/')
    .filter(Boolean)
    .map(segment => (segment.startsWith(':') ? '[^/]+' : segment.replace(/[^\w-]/g, '\\$&')));
  return new RegExp(`^/${segments.join('/')}/?$`, 'i');
}
