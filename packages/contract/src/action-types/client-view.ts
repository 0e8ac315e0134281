/** What the client of a flow sees after its action. Names and messages are the reference's. */
export interface ClientView {
  /** `applied`: how many operations changed something; `data`: the data of the answer. */
  success(result: { applied: number; data?: unknown }): string
  failed(reason: string, description: string | undefined): string
  /** The client never gets the error message of the extension. */
  error: string
  /**
   * Why the flow cannot continue after a SUCCESS that follows the contract; undefined if it can. Absent: it always can.
   */
  unusable?(answered: { event: object; data?: unknown }): string | undefined
  /** Only for types that may redirect the browser. */
  incomplete?(url: string): string
}

/** ` "Not from here."`, or an empty string. */
export function quoted(text: string | undefined): string {
  return text === undefined ? '' : ` "${text}"`
}

/** The view of a client that requests `what` at the token endpoint. */
export function tokenClient(what: string): ClientView {
  return {
    success: ({ applied }) =>
      `200 with ${what}${applied === 0 ? ', unchanged' : `, ${applied} ${applied === 1 ? 'change' : 'changes'} applied`}`,
    failed: (reason, description) => `${reason === 'invalid_client' ? 401 : 400} ${reason}${quoted(description)}`,
    error: '500 server_error "Internal Server Error."',
  }
}

/** The view of a SCIM client that stores `what`. */
export function scimClient(what: string): ClientView {
  return {
    success: () => `that ${what} is stored`,
    failed: (reason, description) => `a SCIM error 400, scimType ${reason}${quoted(description)}`,
    error: 'a SCIM error 500 "Error while updating attributes of user"',
  }
}
