import { type Configuration, openBreakGlass, type Ports } from '@preflow/server'

/**
 * Lets the demonstration's action follow token-guard to the address it has now, when the action still asks where token-guard
 * was at an earlier start. One that was pointed elsewhere by hand is left alone.
 *
 * Straight to the data: the lab does not keep the administrator's password, and the server does not answer yet.
 *
 * @param from Where token-guard was; absent when that is not known.
 * @returns What there is to say about it, a line for each action.
 */
export async function followTokenGuard(
  { tenant, from, to }: { tenant: string; from?: string; to: string },
  configuration: Configuration,
  ports: Ports,
): Promise<string[]> {
  const breakGlass = await openBreakGlass(configuration, ports)
  try {
    const { moved, elsewhere } = await breakGlass.move(
      from,
      to,
      action => action.tenant === tenant && action.type === 'PRE_ISSUE_ACCESS_TOKEN',
    )
    return [
      ...moved.map(({ name }) => `The action “${name}” of ${tenant} follows token-guard from ${from} to ${to}.`),
      ...elsewhere.map(
        ({ id, name }) =>
          `The action “${name}” of ${tenant} asks another address than token-guard's, which is now ${to}, and is left so. ` +
          `To ask token-guard, PATCH /t/${tenant}/api/server/v1/actions/preIssueAccessToken/${id} with {"endpoint":{"uri":"${to}"}}.`,
      ),
    ]
  } finally {
    await breakGlass.close()
  }
}
