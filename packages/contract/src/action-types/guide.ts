import type { ActionRequest } from '../call.ts'
import type { ClientView } from './client-view.ts'
import type { Scenario } from './scenario.ts'

/** What tools and tests know about one action type besides the contract. No deployed code reads it. */
export interface ActionTypeGuide<Event extends object = object> {
  /** What is decided, in the plural: `access tokens`. */
  subject: string
  /** Members of the event that some platform or flow omits, so a decision must not need them: `user.organization`. */
  optionalMembers: readonly string[]
  /** A typical request, for tests of extensions. */
  sample: ActionRequest<Event>
  /** What triggers it on platforms. The first scenario is the simplest. */
  scenarios: readonly Scenario<Event>[]
  /** What the client of the flow sees after the action. */
  client: ClientView
  /**
   * Where to create an action of this type in the console of a platform, and what it needs besides an endpoint.
   * Markdown.
   */
  console: { menu: string; steps: readonly string[] }
}
