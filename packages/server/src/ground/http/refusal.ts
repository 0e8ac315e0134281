import type { Problem } from '../management-routes/route.ts'

/** An answer that is not the one that was asked for. Thrown anywhere in a handler; nothing it wrote is kept. */
export class Refusal extends Error {
  override name = 'Refusal'
  status: number
  problem: Problem
  headers: Record<string, string>

  /**
   * @param code The reference's, or `PREFLOW-<status>` where it has none.
   * @param message What kind of thing is wrong.
   * @param description What exactly, and what to do. No secrets.
   */
  constructor(
    status: number,
    code: string,
    message: string,
    description?: string,
    headers: Record<string, string> = {},
  ) {
    super(description ?? message)
    this.status = status
    this.problem = { code, message, ...(description === undefined ? {} : { description }) }
    this.headers = headers
  }
}

/** A body or query that breaks its schema, as the reference's dispatcher says it. */
export function invalidRequest(description: string): Refusal {
  return new Refusal(400, 'UE-10000', 'Invalid Request', description)
}

export function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, 'PREFLOW-413', 'Request body too large.', `Send at most ${maxBytes} bytes.`, {
    connection: 'close',
  })
}
