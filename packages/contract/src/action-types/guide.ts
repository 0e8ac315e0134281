import type { ActionRequest } from '../call.ts'
import type { ClientView } from './client-view.ts'
import type { Scenario } from './scenario.ts'

/** What tools and tests know of one action type besides the contract. Nothing that is deployed reads it. */
export interface ActionTypeGuide<Event extends object = object> {
  /** What is decided, in the plural: `access tokens`. */
  subject: string
  /** Members of the event that some platform or flow leaves out, and that a decision must not need: `user.organization`. */
  optionalMembers: readonly string[]
  /** A request with nothing unusual in it, for tests of extensions. */
  sample: ActionRequest<Event>
  /** What triggers it on platforms. The first is the plainest. */
  scenarios: readonly Scenario<Event>[]
  /** What the client of the flow sees when the action has ended. */
  client: ClientView
  /** Where an action of the type is made in the console of a platform, and what it needs besides an endpoint. Markdown. */
  console: { menu: string; steps: readonly string[] }
}
