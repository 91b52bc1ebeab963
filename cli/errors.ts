/**
 * What a user did wrong or gave us damaged: one line that says what, where and what to do.
 * `picket` prints it without a stack and exits with `exitCode` (1: bad input, 2: bad usage).
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/**
 * What our parts throw on purpose is of their own classes or a plain Error, in one line. These
 * are our faults, and shown with their stack.
 */
const OWN_FAULTS: ReadonlySet<string> = new Set([
  "AssertionError",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "RuntimeError",
  "SyntaxError",
  "TypeError",
  "URIError",
]);

export function isOwnFault(error: Error): boolean {
  return OWN_FAULTS.has(error.name);
}
