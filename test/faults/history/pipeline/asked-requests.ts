import { now } from './recorder.js';

/** What a client asked for, with all its tries. */
export type AskedRequest = {
  /** The client's name for it. */
  request: string;
  client: string;
  /** The door and what it spoke about: `connection/resource`, or `rest/tenant:subject`; unknown when nothing was ever answered. */
  stream: string | undefined;
  /** The operation as the event's `door` tells it. */
  operation: string;
  status: 'acked' | 'failed' | 'indeterminate';
  tries: number;
  invoked: number;
  completed: number;
};

/** All requests of all clients, in the order in which they were completed. */
export class AskedRequests {
  readonly list: AskedRequest[] = [];
  private counter = 0;

  /** Begins a request; call the result when it is complete. */
  begin(
    client: string,
    operation: string,
  ): (end: Pick<AskedRequest, 'status' | 'tries'> & { stream: string | undefined }) => void {
    this.counter += 1;
    const request = `${client}#${this.counter}:${operation}`;
    const invoked = now();
    return end => this.list.push({ request, client, operation, invoked, completed: now(), ...end });
  }
}
