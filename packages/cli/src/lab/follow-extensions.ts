import { type ActionType, actionTypes } from '@preflow/contract'
import { type ActionState, type Configuration, openBreakGlass, type Ports } from '@preflow/server'
import { MANAGEMENT_BASE_PATH } from '@preflow/server/management'

/** An extension whose address has changed. */
export interface Move {
  name: string
  /** The type of the actions that may call it. */
  type: ActionType
  /** Its earlier address. */
  from: string
  to: string
  /** Which actions should call it. If one of them does not, a line reports it. */
  isExpected(action: Pick<ActionState, 'name'>): boolean
}

/** The web application, if its address has changed. */
export interface CallbackMove {
  name: string
  clientId: string
  /** Its earlier callback URL. */
  from: string
  to: string
}

/** Updates the callback URL of the web application, as {@link followExtensions} updates the endpoints. */
export async function followWebApplication(
  tenant: string,
  { name, clientId, from, to }: CallbackMove,
  configuration: Configuration,
  ports: Ports,
): Promise<string[]> {
  const breakGlass = await openBreakGlass(configuration, ports)
  try {
    const lines = {
      moved: [`The callback URL of the application “${name}” of ${tenant} is now ${to}. It was ${from}.`],
      there: [],
      elsewhere: [
        `The application “${name}” of ${tenant} has another callback URL, so the lab did not change it. To sign in here, add ${to} to its callbackURLs.`,
      ],
    }
    return lines[await breakGlass.moveCallback(from, to, { tenant, clientId })]
  } finally {
    await breakGlass.close()
  }
}

/**
 * Updates the endpoints of the demonstration's actions that still have the addresses of an earlier start. An endpoint
 * that was changed by hand is kept.
 *
 * Writes directly to the database: the lab does not store the administrator's password, and the server is not running
 * yet.
 *
 * @returns A line for each action that changed or needs attention.
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
        lines.push(
          `The endpoint of the ${kind} “${action.name}” of ${tenant} is now ${to}. It was ${from}, the earlier address of ${name}.`,
        )
      }
      for (const action of elsewhere.filter(isExpected)) {
        const { kind, change } = management(action)
        const line =
          `The ${kind} “${action.name}” of ${tenant} does not call ${name}, so the lab did not change it. ` +
          `To call ${name}, ${change} with {"endpoint":{"uri":"${to}","authentication":${KEY}}}.`
        left.push({ id: action.id, line })
      }
    }
    // Two extensions may decide the same type. Then the action may call the other one.
    return [...lines, ...left.filter(({ id }) => !movedIds.has(id)).map(({ line }) => line)]
  } finally {
    await breakGlass.close()
  }
}

/** If an endpoint moves to another origin, its credentials must be sent again. The key itself is never printed. */
const KEY = '{"type":"API_KEY","properties":{"header":"x-api-key","value":"<extensionKey of lab.json>"}}'

/** What an action is called, and the request that changes it. */
function management({ id, name, tenant, type }: ActionState): { kind: string; change: string } {
  const { category, path } = actionTypes[type]
  const base = `/t/${tenant}${MANAGEMENT_BASE_PATH}`
  const ways = {
    PRE_POST: { kind: 'action', change: `PATCH ${base}/actions/${path}/${id}` },
    IN_FLOW: {
      kind: 'authenticator',
      // The body needs the display name too, which only its reader knows.
      change: `PUT ${base}/authenticators/custom/${Buffer.from(name).toString('base64url')} with its present body, but`,
    },
  }
  return ways[category]
}
