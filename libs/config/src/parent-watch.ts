import { Socket } from 'node:net';
import { z } from 'zod';
import { loadConfig } from './load-config.js';
import { setting } from './setting.js';

const parentSettings = {
  parentFd: setting(
    'SEVER_PARENT_FD',
    'inherited descriptor whose end means that the parent died',
    z.coerce.number().int().min(3).optional(),
  ),
};

/** Ends this process in order (SIGTERM to itself) when the parent that started it dies, however it dies. */
export function endWithParent(): void {
  const { parentFd } = loadConfig(parentSettings);
  if (parentFd === undefined) return;
  const pipe = new Socket({ fd: parentFd, readable: true, writable: false });
  const end = (): void => {
    process.kill(process.pid, 'SIGTERM');
  };
  pipe.on('end', end);
  pipe.on('error', end);
  pipe.resume();
  pipe.unref();
}
