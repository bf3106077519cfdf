import { z } from 'zod';
import { loadConfig } from './load-config.js';
import { setting } from './setting.js';

const failpointSetting = {
  failpoint: setting(
    'SEVER_FAILPOINT',
    'name[:n] of the place where this process kills itself, for fault tests',
    z
      .string()
      .regex(/^[a-z-]+(\.[a-z-]+)*(:[0-9]+)?$/)
      .optional(),
  ),
};

let armed: { name: string; passesLeft: number } | null | undefined;

function readArmed(): { name: string; passesLeft: number } | null {
  const { failpoint } = loadConfig(failpointSetting);
  if (!failpoint) return null;
  const [name = '', count] = failpoint.split(':');
  return { name, passesLeft: Number(count ?? 1) };
}

/**
 * A named place at which a fault test may SIGKILL this process: `SEVER_FAILPOINT=append.before-commit:3` kills at the third pass.
 * Costs one comparison when nothing is armed.
 */
export function failpoint(name: string): void {
  if (armed === undefined) armed = readArmed();
  if (armed === null || armed.name !== name) return;
  armed.passesLeft -= 1;
  if (armed.passesLeft === 0) process.kill(process.pid, 'SIGKILL');
}
