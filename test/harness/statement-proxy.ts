import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** When a statement counts as reached: the server has not got its end yet, or it has answered and the client does not know. */
export type Moment = 'before' | 'after';

/** A proxy before PostgreSQL that counts the statements of all its connections and can stop the world at one of them. */
export type StatementProxy = {
  port: number;
  /** From now on: calls `reached` once, at the statement with this number (1 is the next one); nothing passes any more after that. */
  arm(at: number, moment: Moment, reached: () => void): void;
  /** Lets everything pass again. @returns how many statements were counted */
  disarm(): number;
  close(): Promise<void>;
};

type Trap = { at: number; moment: Moment; reached: () => void; count: number; isSprung: boolean };

/** Statements end with Sync or are a simple query (PostgreSQL protocol 3.0, "Message Formats"). */
const ENDS = new Set(['S', 'Q']);

export async function startStatementProxy(target: { host: string; port: number }): Promise<StatementProxy> {
  const sockets = new Set<Socket>();
  let trap: Trap | undefined;
  const spring = (sprung: Trap): void => {
    sprung.isSprung = true;
    sprung.reached();
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer(client => {
    const upstream = connect(target);
    let isLast = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
    }
    const fromClient = messages({ hasStartup: true }, (type, bytes) => {
      if (trap && type !== undefined && ENDS.has(type)) {
        trap.count += 1;
        isLast = trap.count === trap.at;
        if (isLast && trap.moment === 'before') return spring(trap);
      }
      upstream.write(bytes);
    });
    const fromServer = messages({ hasStartup: false }, (type, bytes) => {
      // ReadyForQuery ends the answer to a statement.
      if (trap && isLast && type === 'Z') return spring(trap);
      client.write(bytes);
    });
    client.on('data', data => trap?.isSprung !== true && fromClient(data));
    upstream.on('data', data => trap?.isSprung !== true && fromServer(data));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    arm: (at, moment, reached) => {
      trap = { at, moment, reached, count: 0, isSprung: false };
    },
    disarm: () => {
      const count = trap?.count ?? 0;
      trap = undefined;
      return count;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** Cuts a stream into messages: a type of one letter, a length, and the rest. A client's first message has no type. */
function messages(
  o: { hasStartup: boolean },
  onMessage: (type: string | undefined, bytes: Buffer) => void,
): (data: Buffer) => void {
  let waiting = Buffer.alloc(0);
  let isStartup = o.hasStartup;
  return data => {
    waiting = Buffer.concat([waiting, data]);
    for (;;) {
      const typeBytes = isStartup ? 0 : 1;
      if (waiting.length < typeBytes + 4) return;
      const bytes = typeBytes + waiting.readInt32BE(typeBytes);
      if (waiting.length < bytes) return;
      const message = waiting.subarray(0, bytes);
      waiting = waiting.subarray(bytes);
      onMessage(isStartup ? undefined : String.fromCharCode(message[0] ?? 0), message);
      isStartup = false;
    }
  };
}
