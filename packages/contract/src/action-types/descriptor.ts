import type * as z from 'zod/mini'
import type { ActionType } from './events.ts'
import type { InClear } from './in-clear.ts'

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

/** What an index in a path counts: the list as it was sent, or as earlier operations left it. */
export type IndexBase = 'snapshot' | 'live'

/** What a verdict says about a claim that is added, where the action types use different words. `{name}` is the claim's. */
export interface ClaimTexts {
  /** The value is not an object of `name` and `value`. */
  malformed: string
  /** Name or value is null. Absent: the type has no such check and the value is found to be of a wrong type. */
  incomplete?: string
  /** The name is in the event already. */
  exists: string
  /** The name belongs to the platform. */
  reserved: string
}

/**
 * A place in the event that operations may edit. The engine knows how each *kind* is edited; the descriptor says where
 * they are, so that no code branches on an action type. The first place that covers a path has it.
 */
export type EditablePlace =
  | { kind: 'scopes'; path: string }
  | {
      kind: 'audience'
      path: string
      indices: IndexBase
      /** Whether the reference takes every claim whose name starts like this one's for the audience. */
      takesLikeNamed: boolean
    }
  | {
      kind: 'claims'
      path: string
      indices: IndexBase
      /** Names that belong to the platform: sent in the event, never offered for replace or remove. */
      standard: readonly string[]
      /** Names the platform writes itself and that may not be added. */
      reserved: readonly string[]
      /** Whether the reference refuses `reserved` names; otherwise only platforms that mend its bugs do. */
      reservedByReference: boolean
      /** Where scopes are edited instead: a claim called `scope` is refused with a hint at it. */
      scopePath?: string
      texts: ClaimTexts
    }
  | { kind: 'lifetime'; path: string }
  | { kind: 'responseParameters'; path: string; removable: readonly string[]; reserved: readonly string[] }

/** A path that is offered to extensions. */
export type OfferedPath =
  /** Always. */
  | string
  /** When the event has what it addresses: the object above it, or for a response parameter the parameter. */
  | { path: string; when: 'present' }
  /** One path for each claim of the list that does not belong to the platform; lists get a trailing slash, objects none. */
  | { eachClaimOf: string }

/** One entry of `allowedOperations` before it is fitted to an event. `redirect` has no paths. */
export interface Offer {
  op: 'add' | 'remove' | 'replace' | 'redirect'
  paths?: readonly OfferedPath[]
}

/** A revision of the contract of one action type: `1.3`. Its major version is that of the actions. */
export type Revision = `${number}.${number}`

/** Something a later revision of the contract brought. */
export interface Since {
  revision: Revision
  /** Where in the event: `/user/organization`. */
  path: string
  /** The revision brought this value of the field: older ones do not know the event at all. Absent: it brought the field. */
  value?: string
}

/** Everything Preflow knows of one action type. Engine, server, SDK and tools read this and never branch on the type. */
export interface ActionTypeDescriptor<Event = unknown> {
  type: ActionType
  /** `type` in camel case: the last segment of its management path, `/actions/{path}`, and the name of its handler. */
  path: string
  displayName: string
  description: string
  /** `IN_FLOW` types are managed as authenticators, not through the actions API. */
  category: 'PRE_POST' | 'IN_FLOW'
  /** The major version a new action gets and that travels in `x-wso2-api-version`. */
  latestVersion: string
  /** Contract revisions, oldest first. */
  revisions: readonly Revision[]
  /** What revisions after the first brought. */
  since: readonly Since[]
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
  /** What is offered, in the order of the wire. Empty: the request has no `allowedOperations`. */
  offers: readonly Offer[]
  /** Reasons of FAILED that mean a fault of the server and are refused as such, in lower case. */
  serverErrorReasons: readonly string[]
  /** Members that are sent although they are empty; all other empty members are left out. */
  sentWhenEmpty: readonly string[]
  /** What a call record may show. */
  inClear: InClear
  eventSchema: z.ZodMiniType<Event>
  /** The shape of `data` in a SUCCESS answer, for types that use it. */
  answerDataSchema?: z.ZodMiniType
}
