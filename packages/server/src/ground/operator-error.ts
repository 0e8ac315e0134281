/**
 * An error for the operator. Its message states what happened and what to do next, so it is shown without a stack.
 *
 * Errors of other packages join by the member alone, see {@link isForOperator}.
 */
export class OperatorError extends Error {
  override name = 'OperatorError'
  readonly isForOperator = true
}

/** Whether the message of an error is for the operator. Any other error is a defect and needs its stack. */
export function isForOperator(error: unknown): error is Error & { isForOperator: true } {
  return error instanceof Error && 'isForOperator' in error && error.isForOperator === true
}
