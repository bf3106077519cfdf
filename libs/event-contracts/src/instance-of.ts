import type { SeverEvent } from './event-catalogue.js';

/** The one connector instance that an event is about; undefined when it is about none, or about several. */
export const instanceOf = ({ data }: SeverEvent): string | undefined =>
  'instance' in data && typeof data.instance === 'string' ? data.instance : undefined;
