const WRITING: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Whether a request of this method can change anything here (RFC 9110 §9.2.1: the others are safe). */
export const isWriting = (method: string): boolean => WRITING.has(method);
