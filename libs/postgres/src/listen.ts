import { Client } from 'pg';

/** A LISTEN connection that reconnects by itself. Notifications are hints: whoever uses them polls as well. */
export type Listener = { close(): Promise<void> };

export type ListenOptions = {
  url: string;
  channels: readonly string[];
  applicationName: string;
  /**
   * Session-level advisory lock (class, text that is hashed), shared, held for as long as the connection lives: others see in
   * `pg_locks` that this process is there.
   */
  presence?: { lockClass: number; name: string };
  /** Called for every notification, and once after each (re)connection, since some may have been missed. */
  onWake: (channel: string | null, payload: string) => void;
  onError?: (error: Error) => void;
};

const RECONNECT_MS = 1_000;

/** Listens on channels until closed; never rejects, a server that is away is tried again every second. */
export function listen(o: ListenOptions): Listener {
  let closed = false;
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const retry = (error: Error): void => {
    if (closed || timer) return;
    o.onError?.(error);
    client?.end().catch(() => undefined);
    client = undefined;
    timer = setTimeout(() => {
      timer = undefined;
      void connect();
    }, RECONNECT_MS);
  };
  const connect = async (): Promise<void> => {
    const next = new Client({
      connectionString: o.url,
      application_name: o.applicationName,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    client = next;
    next.on('error', retry);
    next.on('end', () => retry(new Error('the listening connection ended')));
    next.on('notification', n => o.onWake(n.channel, n.payload ?? ''));
    try {
      await next.connect();
      if (o.presence)
        await next.query('select pg_try_advisory_lock_shared($1, hashtext($2))', [
          o.presence.lockClass,
          o.presence.name,
        ]);
      for (const channel of o.channels) await next.query(`listen ${next.escapeIdentifier(channel)}`);
      o.onWake(null, '');
    } catch (error) {
      retry(error instanceof Error ? error : new Error(String(error)));
    }
  };
  void connect();
  return {
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
