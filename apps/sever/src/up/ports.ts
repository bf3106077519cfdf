import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { freePort } from '@sever/embedded-postgres';
import { z } from 'zod';
import { EXIT, SeverError } from '../sever-error.js';
import { writeAtomically } from './data-folder.js';

/** Ports by name, the same in every run on a data folder as long as nobody else took them. */
export class Ports {
  private readonly ports: Record<string, number>;

  constructor(private readonly file: string) {
    const stored = existsSync(file)
      ? z.record(z.string(), z.number()).safeParse(JSON.parse(readFileSync(file, 'utf8') || '{}'))
      : undefined;
    this.ports = stored?.success ? stored.data : {};
  }

  async get(name: string): Promise<number> {
    const known = this.ports[name];
    if (known !== undefined && (await isFree(known))) return known;
    let port = await freePort();
    while (Object.values(this.ports).includes(port)) port = await freePort();
    this.ports[name] = port;
    writeAtomically(this.file, JSON.stringify(this.ports));
    return port;
  }
}

/** @throws SeverError `port.taken` */
export async function requirePort(port: number): Promise<number> {
  if (await isFree(port)) return port;
  throw new SeverError(
    'port.taken',
    `port ${port} is in use; stop what uses it or choose another with --port (0 takes any free one)`,
    EXIT.no,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
