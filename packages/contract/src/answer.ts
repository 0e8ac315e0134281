import type { ActionResponse } from './call.ts'

/** What a platform does with an HTTP status. */
export interface AnswerStatus {
  /** `decision`: the body is SUCCESS, FAILED or INCOMPLETE; `error`: it is ERROR. */
  carries: 'decision' | 'error'
  /** When the platform calls again. */
  retry: 'never' | 'without payload' | 'always'
}

/**
 * The HTTP statuses that have a meaning. An answer with any other status is no decision, whatever its body contains.
 */
export const answerStatuses: Readonly<Record<number, AnswerStatus>> = {
  200: { carries: 'decision', retry: 'never' },
  400: { carries: 'error', retry: 'never' },
  401: { carries: 'error', retry: 'never' },
  500: { carries: 'error', retry: 'without payload' },
  502: { carries: 'error', retry: 'always' },
  503: { carries: 'error', retry: 'always' },
  504: { carries: 'error', retry: 'always' },
}

/** The members of each answer besides `actionStatus`. The contract has no others. */
export const answerMembers: Readonly<Record<ActionResponse['actionStatus'], readonly string[]>> = {
  SUCCESS: ['operations', 'data'],
  INCOMPLETE: ['operations'],
  FAILED: ['failureReason', 'failureDescription'],
  ERROR: ['errorMessage', 'errorDescription'],
}
