/** SQLSTATE of a server's error, the code of a connection's error, or the error's name. Never a message. */
export function sqlStateOf(error: unknown): string {
  const { code, name }: { code?: unknown; name?: unknown } =
    typeof error === 'object' && error !== null ? error : {};
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
}
