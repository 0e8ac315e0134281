import { Messages, Types } from 'scimmy'

/** A refusal in SCIM's own form (RFC 7644, section 3.12). */
export class ScimFault extends Error {
  override name = 'ScimFault'
  status: number
  scimType: string | undefined
  headers: Record<string, string>

  /**
   * @param detail What is wrong and what to do, for the client.
   * @param scimType One of the standard's keywords, or the reason an extension gave.
   */
  constructor(status: number, detail: string, scimType?: string, headers: Record<string, string> = {}) {
    super(detail)
    this.status = status
    this.scimType = scimType
    this.headers = headers
  }

  /** What scimmy throws because of a client's input. Anything else it throws back as it is: a fault of the server. */
  static of(error: unknown): unknown {
    if (error instanceof Types.Error) return new ScimFault(error.status, error.message, error.scimType ?? undefined)
    return error instanceof TypeError ? new ScimFault(400, error.message, 'invalidValue') : error
  }

  toJSON(): object {
    return {
      schemas: [Messages.ErrorResponse.id],
      ...(this.scimType === undefined ? {} : { scimType: this.scimType }),
      detail: this.message,
      status: String(this.status),
    }
  }
}
