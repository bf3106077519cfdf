// The health check of the image: the app of this container says that it is ready, or why not.
const TIMEOUT_MS = 4_000;
try {
  const address = `http://127.0.0.1:${process.env.SEVER_HTTP_PORT}/readyz`;
  const reply = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  process.stdout.write(`${reply.status} ${await reply.text()}\n`);
  process.exitCode = reply.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error.cause?.code ?? error.message}\n`);
  process.exitCode = 1;
}
