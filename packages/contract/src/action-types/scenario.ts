import type { InitiatorType } from '../event.ts'
import type { Platform } from '../platforms.ts'

/** A situation on a platform that triggers an action, with the event that the platform would send. */
export interface Scenario<Event extends object = object> {
  /** One word, unique within the action type. */
  name: string
  /** What happens, for people: `A user signs in with a code.` */
  about: string
  /** The grant type of the token request. */
  grant?: string
  /** Who started it. */
  initiator?: InitiatorType
  /** The value of the rule field `flow`, or another name of the flow. */
  flow?: string
  /** Parameters that the action lists, so that they are sent although the type forwards none by default. */
  allowedParameters?: readonly string[]
  /** The whole event, in the newest revision. The engine omits what a platform does not know yet. */
  event(platform: Platform): Event
}
