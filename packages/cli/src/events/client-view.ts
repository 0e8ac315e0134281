import type { ActionType } from '@preflow/contract'
import type { Outcome } from '@preflow/engine'

/** What the client of a flow is told, by how its action ended. Names and texts are the reference's. */
interface Views {
  success(outcome: Outcome & { status: 'success' }): string
  failed(reason: string, description: string | undefined): string
  /** The extension's own words never travel. */
  error: string
  /** Only for types that may send the browser elsewhere. */
  incomplete?(url: string): string
}

const quoted = (text: string | undefined) => (text === undefined ? '' : ` "${text}"`)

const token = (what: string): Views => ({
  success: ({ operations }) => {
    const applied = operations.filter(({ verdict }) => verdict === 'applied').length
    return `200 with ${what}${applied === 0 ? ', unchanged' : `, ${applied} ${applied === 1 ? 'change' : 'changes'} applied`}`
  },
  failed: (reason, description) => `${reason === 'invalid_client' ? 401 : 400} ${reason}${quoted(description)}`,
  error: '500 server_error "Internal Server Error."',
})

const scim = (what: string): Views => ({
  success: () => `that ${what} is stored`,
  failed: (reason, description) => `a SCIM error 400, scimType ${reason}${quoted(description)}`,
  error: 'a SCIM error 500 "Error while updating attributes of user"',
})

const views: Readonly<Record<ActionType, Views>> = {
  PRE_ISSUE_ACCESS_TOKEN: token('an access token'),
  PRE_ISSUE_ID_TOKEN: token('an ID token'),
  PRE_UPDATE_PASSWORD: scim('the password'),
  PRE_UPDATE_PROFILE: scim('the profile'),
  AUTHENTICATION: {
    success: ({ data }) => {
      const id = (data as { user?: { id?: string } } | undefined)?.user?.id
      return id === undefined ? 'the next step; the user is the one of the step before' : `the next step, as user ${id}`
    },
    failed: (reason, description) => `the application again, with error=${reason}${quoted(description)}`,
    error: 'the application again, with error=authentication_processing_error',
    incomplete: url => `a redirect to ${url}`,
  },
}

/**
 * What the client would see, as words that follow "the client would see": `400 access_denied "Not from here."`
 *
 * @returns Undefined when the extension is not called at all, which the client does not notice.
 */
export function clientView(type: ActionType, outcome: Outcome): string | undefined {
  const view = views[type]
  switch (outcome.status) {
    case 'success':
      return view.success(outcome)
    case 'failed':
      return view.failed(outcome.reason, outcome.description)
    case 'incomplete':
      return view.incomplete?.(outcome.redirectUrl) ?? view.error
    case 'error':
      return view.error
    case 'skipped':
    case 'continued':
      return undefined
    default:
      return outcome satisfies never
  }
}
