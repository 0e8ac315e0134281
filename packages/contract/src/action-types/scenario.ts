import type { InitiatorType } from '../event.ts'
import type { Platform } from '../platforms.ts'

/** Something that happens on a platform and fires an action, as an event that platform would send. */
export interface Scenario<Event extends object = object> {
  /** One word, unique within the action type. */
  name: string
  /** What happens, for people: `A user signs in with a code.` */
  about: string
  /** The grant type of the token request. */
  grant?: string
  /** Who set it in motion. */
  initiator?: InitiatorType
  /** The value of the rule field `flow`, or another word for the flow. */
  flow?: string
  /** Parameters the action lists, so that they travel although the type discloses nothing by itself. */
  allowedParameters?: readonly string[]
  /** The whole event, in the newest revision: the engine leaves out what a platform does not know yet. */
  event(platform: Platform): Event
}
