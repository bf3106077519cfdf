/** A connector did not keep a rule. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation';
}

/** @throws ContractViolation saying what was seen */
export function must(condition: boolean, saw: string): asserts condition {
  if (!condition) throw new ContractViolation(saw);
}

/** Compares what people can read: plain JSON values. */
export function mustEqual(seen: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(wanted)];
  must(a === b, `${what}: saw ${a}, not ${b}`);
}
