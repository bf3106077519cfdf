import { closeAll } from './resources.mjs';

/** @throws Error when `run` takes longer than `seconds`; what it has open must be closed by the caller then */
export async function withinSeconds(name, seconds, run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, seconds * 1_000, new TimeLimitError(name, seconds));
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A benchmark that hangs, or a machine that is much slower than expected. */
export class TimeLimitError extends Error {
  constructor(name, seconds) {
    super(
      `${name} did not end within ${seconds} s; its last line above says how far it came. --limit SECONDS gives it longer`,
    );
  }
}

/** A run that is told to end, or that breaks outside of any benchmark, takes its servers with it. */
export function closeEarly() {
  process.once('uncaughtException', error => {
    console.error(error);
    void closeAll().finally(() => process.exit(1));
  });
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ])
    process.once(signal, () => void closeAll().finally(() => process.exit(128 + number)));
}
