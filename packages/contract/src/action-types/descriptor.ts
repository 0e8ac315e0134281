import type * as z from 'zod/mini'
import type { ActionType } from './events.ts'
import type { InClear } from './in-clear.ts'

/** A field that rules may use, as `GET /rules/metadata` publishes it. */
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

/** What an index in a path refers to: the list as it was sent, or as earlier operations left it. */
export type IndexBase = 'snapshot' | 'live'

/** The reasons in a verdict on an added claim, which differ between action types. `{name}` is the name of the claim. */
export interface ClaimReasons {
  /** The value is not an object with `name` and `value`. */
  malformed: string
  /** Name or value is null. Absent: the type does not check this, and the value has a wrong type. */
  incomplete?: string
  /** The event already has the name. */
  exists: string
  /** The name belongs to the platform. */
  reserved: string
}

/**
 * A place in the event that operations may edit. The engine knows how to edit each *kind*, and the descriptor states
 * the paths. So no code branches on an action type. The first place that covers a path applies.
 */
export type EditablePlace =
  | { kind: 'scopes'; path: string }
  | {
      kind: 'audience'
      path: string
      indices: IndexBase
      /** Whether the reference treats every claim whose name starts like this one's as the audience. */
      takesLikeNamed: boolean
    }
  | {
      kind: 'claims'
      path: string
      indices: IndexBase
      /** Names that belong to the platform: they are in the event, but never offered for replace or remove. */
      standard: readonly string[]
      /** Names that the platform writes itself and that cannot be added. */
      reserved: readonly string[]
      /** Whether the reference rejects `reserved` names. Otherwise only platforms without its bugs do. */
      reservedByReference: boolean
      /** The path at which scopes are edited. A claim called `scope` is rejected with a hint at this path. */
      scopePath?: string
      reasons: ClaimReasons
    }
  | { kind: 'lifetime'; path: string }
  | { kind: 'responseParameters'; path: string; removable: readonly string[]; reserved: readonly string[] }

/** A path that extensions may edit. */
export type OfferedPath =
  /** Always. */
  | string
  /** Only if the event has the object above it, or for a response parameter the parameter itself. */
  | { path: string; when: 'present' }
  /**
   * One path for each claim of the list that does not belong to the platform. Lists get a trailing slash, objects none.
   */
  | { eachClaimOf: string }

/** One entry of `allowedOperations` before it is adapted to an event. `redirect` has no paths. */
export interface Offer {
  op: 'add' | 'remove' | 'replace' | 'redirect'
  paths?: readonly OfferedPath[]
}

/** A revision of the contract of one action type: `1.3`. Its major version is that of the actions. */
export type Revision = `${number}.${number}`

/** A change that a later revision of the contract added. */
export interface Since {
  revision: Revision
  /** The place in the event: `/user/organization`. */
  path: string
  /**
   * The revision added this value of the field, so older ones do not have the event at all. Absent: it added the field.
   */
  value?: string
}

/**
 * Everything that Preflow knows about one action type. Engine, server, SDK and tools read this and never branch on the
 * type.
 */
export interface ActionTypeDescriptor<Event = unknown> {
  type: ActionType
  /** `type` in camel case: the last segment of its management path, `/actions/{path}`, and the name of its handler. */
  path: string
  displayName: string
  description: string
  /** `IN_FLOW` types are managed as authenticators, not through the actions API. */
  category: 'PRE_POST' | 'IN_FLOW'
  /** The major version of a new action, sent as `x-wso2-api-version`. */
  latestVersion: string
  /** Contract revisions, oldest first. */
  revisions: readonly Revision[]
  /** What revisions after the first added. */
  since: readonly Since[]
  /** Whether organizations below the root may configure it. */
  mayBeConfiguredByOrganization: boolean
  /**
   * Which headers and parameters of the client's request are sent if neither action nor server lists any: all but
   * secrets, or none.
   */
  disclosedByDefault: 'everything' | 'nothing'
  /** Whether an action may list headers and parameters to forward. */
  mayListHeaders: boolean
  /** Whether an action may list user attributes to send (at most ten). */
  mayListAttributes: boolean
  mayRedirect: boolean
  ruleFields: readonly RuleField[]
  places: readonly EditablePlace[]
  /** The offered operations, in the order of the wire. Empty: the request has no `allowedOperations`. */
  offers: readonly Offer[]
  /** Reasons of FAILED that mean a server error and are rejected as such, in lower case. */
  serverErrorReasons: readonly string[]
  /** Members that are sent although they are empty. All other empty members are omitted. */
  sentWhenEmpty: readonly string[]
  /** What a call record may show. */
  inClear: InClear
  eventSchema: z.ZodMiniType<Event>
  /** The shape of `data` in a SUCCESS answer, for types that use it. */
  answerDataSchema?: z.ZodMiniType
}
