/** What the client of a flow sees when its action has ended. Names and messages are the reference's. */
export interface ClientView {
  /** `applied`: how many operations changed something; `data`: what the answer carried besides. */
  success(result: { applied: number; data?: unknown }): string
  failed(reason: string, description: string | undefined): string
  /** The extension's own words never travel. */
  error: string
  /** Why the flow cannot go on after a SUCCESS that keeps the contract; undefined when it can. Absent: it always can. */
  unusable?(answered: { event: object; data?: unknown }): string | undefined
  /** Only for types that may send the browser elsewhere. */
  incomplete?(url: string): string
}

/** ` "Not from here."`, or nothing. */
export function quoted(text: string | undefined): string {
  return text === undefined ? '' : ` "${text}"`
}

/** The view of a client at the token endpoint that asks for `what`. */
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
