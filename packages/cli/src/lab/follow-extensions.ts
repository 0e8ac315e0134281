import { type ActionType, actionTypes } from '@preflow/contract'
import { type Configuration, openBreakGlass, type Ports } from '@preflow/server'

/** An extension that answers somewhere else than before. */
export interface Move {
  name: string
  /** The type of the actions that may ask it. */
  type: ActionType
  /** Where it was. */
  from: string
  to: string
  /** Whether an action of the demonstration is meant to ask it: then one that does not is worth a line. */
  isExpected: boolean
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
        lines.push(`The action “${action.name}” of ${tenant} follows ${name} from ${from} to ${to}.`)
      }
      if (!isExpected) continue
      for (const action of elsewhere) {
        const path = `/t/${tenant}/api/server/v1/actions/${actionTypes[type].path}/${action.id}`
        const line =
          `The action “${action.name}” of ${tenant} asks another address than ${name}'s, which is now ${to}, and is left so. ` +
          `To ask ${name}, PATCH ${path} with {"endpoint":{"uri":"${to}"}}.`
        left.push({ id: action.id, line })
      }
    }
    // Two extensions may decide the same type, and the action asks the other one.
    return [...lines, ...left.filter(({ id }) => !movedIds.has(id)).map(({ line }) => line)]
  } finally {
    await breakGlass.close()
  }
}
