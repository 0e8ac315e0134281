import { type ActionType, actionTypes } from '@preflow/contract'
import { type ActionState, type Configuration, openBreakGlass, type Ports } from '@preflow/server'
import { MANAGEMENT_BASE_PATH } from '@preflow/server/management'

/** An extension that answers somewhere else than before. */
export interface Move {
  name: string
  /** The type of the actions that may ask it. */
  type: ActionType
  /** Where it was. */
  from: string
  to: string
  /** Which actions are meant to ask it: when one of them does not, that is worth a line. */
  isExpected(action: Pick<ActionState, 'name'>): boolean
}

/** The web application, when it answers somewhere else than before. */
export interface CallbackMove {
  name: string
  clientId: string
  /** Where it was called back. */
  from: string
  to: string
}

/** Lets the server call the web application back where it is now, as {@link followExtensions} does with the extensions. */
export async function followWebApplication(
  tenant: string,
  { name, clientId, from, to }: CallbackMove,
  configuration: Configuration,
  ports: Ports,
): Promise<string[]> {
  const breakGlass = await openBreakGlass(configuration, ports)
  try {
    const lines = {
      moved: [`The application “${name}” of ${tenant} is called back at ${to} now, and not at ${from} any more.`],
      there: [],
      elsewhere: [
        `The application “${name}” of ${tenant} is called back at another address and is left so. To sign in here, add ${to} to its callbackURLs.`,
      ],
    }
    return lines[await breakGlass.moveCallback(from, to, { tenant, clientId })]
  } finally {
    await breakGlass.close()
  }
}

/**
 * Lets the demonstration's actions follow the extensions to the addresses they have now, when the actions still ask where
 * these were at an earlier start. One that was pointed elsewhere by hand is left alone.
 *
 * Straight to the data: the lab does not keep the administrator's password, and the server does not answer yet.
 *
 * @returns What there is to say about it, a line for each action.
 */
export async function followExtensions(
  tenant: string,
  moves: readonly Move[],
  configuration: Configuration,
  ports: Ports,
): Promise<string[]> {
  const breakGlass = await openBreakGlass(configuration, ports)
  try {
    const movedIds = new Set<string>()
    const lines: string[] = []
    const left: { id: string; line: string }[] = []
    for (const { name, type, from, to, isExpected } of moves) {
      const { moved, elsewhere } = await breakGlass.move(
        from,
        to,
        action => action.tenant === tenant && action.type === type,
      )
      for (const action of moved) {
        movedIds.add(action.id)
        const { kind } = management(action)
        lines.push(`The ${kind} “${action.name}” of ${tenant} follows ${name} from ${from} to ${to}.`)
      }
      for (const action of elsewhere.filter(isExpected)) {
        const { kind, change } = management(action)
        const line =
          `The ${kind} “${action.name}” of ${tenant} asks another address than ${name}'s, which is now ${to}, and is left so. ` +
          `To ask ${name}, ${change} with {"endpoint":{"uri":"${to}","authentication":${KEY}}}.`
        left.push({ id: action.id, line })
      }
    }
    // Two extensions may decide the same type, and the action asks the other one.
    return [...lines, ...left.filter(({ id }) => !movedIds.has(id)).map(({ line }) => line)]
  } finally {
    await breakGlass.close()
  }
}

/** Credentials follow an endpoint to another origin only when they are sent again. The key itself is never printed. */
const KEY = '{"type":"API_KEY","properties":{"header":"x-api-key","value":"<extensionKey of lab.json>"}}'

/** What people call an action, and how they change it. */
function management({ id, name, tenant, type }: ActionState): { kind: string; change: string } {
  const { category, path } = actionTypes[type]
  const base = `/t/${tenant}${MANAGEMENT_BASE_PATH}`
  const ways = {
    PRE_POST: { kind: 'action', change: `PATCH ${base}/actions/${path}/${id}` },
    IN_FLOW: {
      kind: 'authenticator',
      // Its body has the display name too, which only its reader knows.
      change: `PUT ${base}/authenticators/custom/${Buffer.from(name).toString('base64url')} as it is but`,
    },
  }
  return ways[category]
}
