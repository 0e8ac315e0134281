import { actionTypes, type Events } from '@preflow/contract'
import type { Context } from './context.ts'
import type { DataFor, Decision } from './decision.ts'
import type { EditFor } from './edits.ts'

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<Name>

/** `PRE_ISSUE_ACCESS_TOKEN` is handled by `preIssueAccessToken`. */
export type HandlerName<T extends keyof Events> = Camel<T>

/** Decides one call. An exception becomes an ERROR without details. After the budget, `onDeadline` is the answer. */
export type Handler<T extends keyof Events> = (
  event: Events[T],
  context: Context<T>,
) => DecisionFor<T> | Promise<DecisionFor<T>>

/** A decision with the valid edits and data of the action type. */
export type DecisionFor<T extends keyof Events> = Decision<EditFor<T>, DataFor<T>>

/** The handlers of an extension by the name of their action type. */
export type Handlers = { [T in keyof Events as HandlerName<T>]?: Handler<T> }

/**
 * The handlers by their action type.
 *
 * @throws {TypeError} If one is named after no action type.
 */
export function handlersByType(handlers: Handlers): ReadonlyMap<string, Handler<keyof Events>> {
  const types = new Map(Object.values(actionTypes).map(({ path, type }) => [path, type]))
  return new Map(
    Object.entries(handlers).flatMap(([name, handler]) => {
      const type = types.get(name)
      if (!type)
        throw new TypeError(
          `${name}: no action type has this handler. Valid handlers are ${[...types.keys()].join(', ')}.`,
        )
      return handler ? [[type, handler as Handler<keyof Events>]] : []
    }),
  )
}
