import { present } from '@preflow/contract'
import { DatabaseUnavailable } from '@preflow/database'

/** What a {@link Problem} may say beside its status, code and sentence. */
export interface ProblemDetails {
  /** The kind of problem in a few words, for APIs that have a line for it. */
  title?: string
  /** For the log of the operator only. */
  detail?: string
  headers?: Record<string, string>
}

/**
 * A request is refused. It may be thrown anywhere below a face; nothing that the request wrote is kept then. Each face renders it
 * in the form of its protocol.
 *
 * The problems of a subject are a table beside it, so that codes and sentences can be read in one place.
 */
export class Problem extends Error {
  override name = 'Problem'
  status: number
  /** Stable, so that programs can decide by it: the reference's, the protocol's, or `PREFLOW-<status>` where neither has one. */
  code: string
  /** What exactly is wrong and what to do, for the client. Never a secret. Absent where an extension gave no words. */
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

/** A code that stands for the status alone, in answers whose protocol has no code for the case. */
export function codeOfStatus(status: number): string {
  return `PREFLOW-${status}`
}

/** What the log says of a database that does not answer: never a value of a statement. */
export function describeUnavailable({ cause, code }: DatabaseUnavailable): { database: string; reason?: string } {
  return { database: code, ...present({ reason: cause instanceof Error ? cause.message : undefined }) }
}

/** The database does not answer now, and the same request may succeed later. */
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
 * The problem that a face answers for an error of a handler. A defect of the server is logged under a trace id, and so is a
 * detail that only the operator may read.
 *
 * @param defect The line of the log for a defect, and the problem that shows its trace id and nothing else of it.
 *   `unavailableCode` is the code while the database does not answer, in protocols that have one.
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
