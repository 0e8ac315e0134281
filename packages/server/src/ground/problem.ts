import { present } from '@preflow/contract'
import { DatabaseUnavailable } from '@preflow/database'

/** The optional members of a {@link Problem}. */
export interface ProblemDetails {
  /** The kind of problem in a few words, for APIs that have a line for it. */
  title?: string
  /** For the log of the operator only. */
  detail?: string
  headers?: Record<string, string>
}

/**
 * A refused request. It may be thrown anywhere below a face. Nothing that the request wrote is stored then. Each face renders
 * it in the form of its protocol.
 *
 * Each subject has a table of its problems, so that codes and sentences are in one place.
 */
export class Problem extends Error {
  override name = 'Problem'
  status: number
  /** A stable code for programs: the reference's, the protocol's, or `PREFLOW-<status>` if neither has one. */
  code: string
  /** What is wrong and what to do, for the client. Never a secret. Absent if an extension gave no description. */
  sentence: string | undefined
  title: string | undefined
  detail: string | undefined
  headers: Record<string, string>

  constructor(status: number, code: string, sentence: string | undefined, details: ProblemDetails = {}) {
    super(sentence ?? details.title ?? code)
    this.status = status
    this.code = code
    this.sentence = sentence
    this.title = details.title
    this.detail = details.detail
    this.headers = details.headers ?? {}
  }
}

/** The code for a status, if the protocol has no code for the case. */
export function codeOfStatus(status: number): string {
  return `PREFLOW-${status}`
}

/** The facts about an unreachable database for the log. Never a value of a statement. */
export function describeUnavailable({ cause, code }: DatabaseUnavailable): { database: string; reason?: string } {
  return { database: code, ...present({ reason: cause instanceof Error ? cause.message : undefined }) }
}

/** The problem of an unreachable database. The same request may succeed later. */
function unavailable({ retryAfterSeconds }: DatabaseUnavailable, code = codeOfStatus(503)): Problem {
  return new Problem(503, code, 'The server cannot reach its database. Try again later.', {
    title: 'Service Unavailable.',
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}

export interface ProblemPorts {
  log: { error(facts: object, sentence: string): void; info(facts: object, sentence: string): void }
  newId(): string
}

/**
 * Returns the problem that a face renders for an error of a handler. Defects of the server, and details for the operator, are
 * logged under a trace id.
 *
 * @param defect The log line of a defect, and the problem that shows only its trace id. `unavailableCode` is the code for an
 *   unreachable database, in protocols that have one.
 */
export function problemOf(
  error: unknown,
  { log, newId }: ProblemPorts,
  defect: { line: string; facts?: object; problem(traceId: string): Problem; unavailableCode?: string },
): { problem: Problem; traceId: string } {
  const traceId = newId()
  if (error instanceof DatabaseUnavailable) {
    log.error({ traceId, ...defect.facts, ...describeUnavailable(error) }, error.message)
    return { problem: unavailable(error, defect.unavailableCode), traceId }
  }
  if (!(error instanceof Problem)) {
    log.error({ traceId, ...defect.facts, err: error }, defect.line)
    return { problem: defect.problem(traceId), traceId }
  }
  const { code, detail, status } = error
  if (detail !== undefined) log.info({ traceId, code, status, detail }, 'a request was refused')
  return { problem: error, traceId }
}
