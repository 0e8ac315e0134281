import type { z } from 'zod'

/** The action types by their name on the wire. */
export type ActionType =
  | 'PRE_ISSUE_ACCESS_TOKEN'
  | 'PRE_ISSUE_ID_TOKEN'
  | 'PRE_UPDATE_PASSWORD'
  | 'PRE_UPDATE_PROFILE'
  | 'AUTHENTICATION'

/** A field a rule may ask about, as `GET /rules/metadata` publishes it. */
export interface RuleField {
  name: string
  displayName: string
  /** `options` are chosen from `values`; `reference` points at another resource through `reference.links`. */
  value:
    | { kind: 'options'; values: readonly string[] }
    | {
        kind: 'reference'
        valueAttribute: string
        displayAttribute: string
        links: readonly { href: string; rel: string }[]
      }
}

/**
 * A place in the event that operations may edit. The engine knows how each *kind* is edited; the descriptor says where
 * they are, so that no code branches on an action type.
 */
export type EditablePlace =
  | { kind: 'scopes'; path: string }
  | { kind: 'audience'; path: string; indices: 'snapshot' | 'live' }
  | {
      kind: 'claims'
      path: string
      /** What an index in a path counts: the list as it was sent, or as earlier operations left it. */
      indices: 'snapshot' | 'live'
      /** Names that belong to the platform: sent in the event, never offered for replace or remove. */
      standard: readonly string[]
      /** Names the platform writes itself and that may not be added. */
      reserved: readonly string[]
    }
  | { kind: 'lifetime'; path: string }
  | { kind: 'responseParameters'; path: string; removable: readonly string[] }

/** Everything Preflow knows of one action type. Engine, server, SDK and tools read this and never branch on the type. */
export interface ActionTypeDescriptor<Event = unknown> {
  type: ActionType
  /** The last segment of its management path: `/actions/{path}`. */
  path: string
  displayName: string
  description: string
  /** `IN_FLOW` types are managed as authenticators, not through the actions API. */
  category: 'PRE_POST' | 'IN_FLOW'
  /** The major version a new action gets and that travels in `x-wso2-api-version`. */
  latestVersion: string
  /** Contract revisions, oldest first. */
  revisions: readonly string[]
  /** Whether organizations below the root may configure it. */
  mayBeConfiguredByOrganization: boolean
  /** What of the client's request travels when neither action nor server lists any: everything but secrets, or nothing. */
  disclosedByDefault: 'everything' | 'nothing'
  /** Whether an action may list headers and parameters to forward. */
  mayListHeaders: boolean
  /** Whether an action may name user attributes to send (at most ten). */
  mayListAttributes: boolean
  mayRedirect: boolean
  ruleFields: readonly RuleField[]
  places: readonly EditablePlace[]
  /** What a call record may keep in clear; everything else of the event is replaced by its shape. Dotted paths. */
  eventSchema: z.ZodType<Event>
}
