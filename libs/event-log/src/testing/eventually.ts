const EVERY_MS = 20;

/** Polls until the probe holds; fails with what was awaited after the deadline, in milliseconds. */
export async function eventually(
  what: string,
  probe: () => boolean | Promise<boolean>,
  withinMs = 40_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await new Promise(resolve => setTimeout(resolve, EVERY_MS));
  }
}
